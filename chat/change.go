package chat

import (
	"context"
	"time"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/member"
)

// change is a chat under its row's lock, in one transaction: what happens to it gets a version each, and a row in the outbox.
type change struct {
	*ent.Chat
	s      *Service
	tx     *ent.Client // in the transaction
	at     time.Time
	events []Event
}

func (s *Service) changeOf(tx *ent.Tx, row *ent.Chat) *change {
	return &change{Chat: row, s: s, tx: tx.Client(), at: At(s.Now()).Time}
}

// event gives what happened the chat's next version.
func (c *change) event(e Event) int64 {
	c.Version++
	e.ChatID, e.Version, e.At = c.ID, c.Version, At(c.at)
	c.events = append(c.events, e)
	return c.Version
}

// save writes the chat's row and the outbox.
func (c *change) save(ctx context.Context) error {
	err := c.tx.Chat.Update().Where(entchat.ID(c.ID)).
		SetTitle(c.Title).SetNillableOwnerID(c.OwnerID).SetLastSeq(c.LastSeq).SetVersion(c.Version).SetMemberCount(c.MemberCount).
		SetNillableLastMessageID(c.LastMessageID).SetActiveAt(c.ActiveAt).SetNillableDeletedAt(c.DeletedAt).Exec(ctx)
	if err != nil {
		return err
	}
	return writeOutbox(ctx, c.tx, c.events)
}

func writeOutbox(ctx context.Context, tx *ent.Client, events []Event) error {
	rows := make([]*ent.OutboxCreate, len(events))
	for i, e := range events {
		rows[i] = tx.Outbox.Create().SetChatID(e.ChatID).SetVersion(e.Version).SetType(string(e.Type)).SetMessageID(e.MessageID).SetSeq(e.Seq).
			SetUserID(e.UserID).SetActorID(e.ByID).SetOnlyID(e.OnlyID).SetAt(e.At.Time)
	}
	return tx.Outbox.CreateBulk(rows...).Exec(ctx)
}

// lockChat has do make its changes under the chat's lock and, where these are events, saves them; the Outlet is told after the commit.
// CodeNotFound where there is no such chat, or it was deleted.
func (s *Service) lockChat(ctx context.Context, chatID int64, do func(c *change) error) error {
	happened := false
	err := s.tx(ctx, func(tx *ent.Tx) error {
		happened = false
		row, err := forUpdate(s, tx.Chat.Query().Where(entchat.ID(chatID), entchat.DeletedAtIsNil())).Only(ctx)
		if ent.IsNotFound(err) {
			return noChat(chatID)
		}
		if err != nil {
			return err
		}
		c := s.changeOf(tx, row)
		if err := do(c); err != nil || len(c.events) == 0 {
			return err
		}
		happened = true
		return c.save(ctx)
	})
	if err == nil && happened {
		s.announce(News{Chats: []int64{chatID}})
	}
	return err
}

// change is lockChat for a member of the chat: do is given the caller's stay. CodeNotFound for everybody else.
func (s *Service) change(ctx context.Context, userID, chatID int64, do func(c *change, me *ent.Member) error) error {
	return s.lockChat(ctx, chatID, func(c *change) error {
		me, err := c.stay(ctx, userID)
		if err != nil {
			return err
		}
		if me == nil {
			return noChat(chatID)
		}
		return do(c, me)
	})
}

// stay is the user's stay that lasts, or nil.
func (c *change) stay(ctx context.Context, userID int64) (*ent.Member, error) {
	row, err := c.tx.Member.Query().Where(member.ChatID(c.ID), member.UserID(userID), member.LeftVersion(0)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return row, err
}

// begin makes a stay that begins with this version: what was said before is not seen, and the marker is the newest message.
func (c *change) begin(ctx context.Context, userID, version int64, role string) (*ent.Member, error) {
	return c.tx.Member.Create().SetChatID(c.ID).SetUserID(userID).SetRole(role).SetJoinedVersion(version).SetJoinedSeq(c.LastSeq).
		SetReadSeq(c.LastSeq).SetNillableLastMessageID(c.LastMessageID).SetJoinedAt(c.at).Save(ctx)
}

// end ends a stay with this version: the last that the user is told.
func (c *change) end(ctx context.Context, stay *ent.Member, version int64) error {
	return c.tx.Member.Update().Where(member.ID(stay.ID)).SetLeftVersion(version).Exec(ctx)
}

func noChat(chatID int64) error {
	return refuse(CodeNotFound, "There is no chat %d that you are in.", chatID)
}
