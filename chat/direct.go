package chat

import (
	"context"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/member"
	"doran/ent/user"
)

func isDirect(c *ent.Chat) bool { return c.Kind == KindDirect }

// otherSide is the other one of a direct chat.
func otherSide(c *ent.Chat, userID int64) int64 {
	if *c.LowUserID == userID {
		return *c.HighUserID
	}
	return *c.LowUserID
}

// mayWrite is the rule of direct chats: nothing is sent, edited or typed to who deleted their account (CodeUserGone), nor while one of the two
// blocks the other (CodeBlocked), whichever it is. In a group everybody may.
func mayWrite(ctx context.Context, db *ent.Client, c *ent.Chat, userID int64) error {
	if !isDirect(c) {
		return nil
	}
	other := otherSide(c, userID)
	gone, err := db.User.Query().Where(user.ID(other), user.DeletedAtNotNil()).Exist(ctx)
	if err != nil {
		return err
	}
	if gone {
		return errUserGone
	}
	blocked, err := eitherBlocked(ctx, db.Block, userID, other)
	if err != nil {
		return err
	}
	if blocked {
		return errBlocked
	}
	return nil
}

var (
	errUserGone = refuse(CodeUserGone, "The other side of this chat deleted their account. What was said can still be read.")
	errBlocked  = refuse(CodeBlocked, "One of you blocked the other, so nothing is sent between you.")
)

// comeBack begins a new, empty stay for a side of a direct chat that had deleted it. Only that side is told.
func (c *change) comeBack(ctx context.Context, userID int64) (*ent.Member, error) {
	version := c.event(Event{Type: ChatCreated, OnlyID: userID, ByID: userID})
	return c.begin(ctx, userID, version, RoleMember)
}

// findDirect is the one direct chat of two users, or 0.
func (s *Service) findDirect(ctx context.Context, a, b int64) (int64, error) {
	id, err := s.Client.Chat.Query().Where(entchat.LowUserID(min(a, b)), entchat.HighUserID(max(a, b))).OnlyID(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return id, s.dbErr(err)
}

// openDirect has a direct chat come back to a side that had deleted it.
func (s *Service) openDirect(ctx context.Context, userID, chatID int64) error {
	there, err := s.Client.Member.Query().Where(member.ChatID(chatID), member.UserID(userID), member.LeftVersion(0)).Exist(ctx)
	if there || err != nil {
		return s.dbErr(err)
	}
	return s.lockChat(ctx, chatID, func(c *change) error {
		stay, err := c.stay(ctx, userID)
		if stay != nil || err != nil {
			return err
		}
		_, err = c.comeBack(ctx, userID)
		return err
	})
}

// deleteForOneSide ends this side's stay. The other side is told nothing.
func (c *change) deleteForOneSide(ctx context.Context, me *ent.Member) error {
	return c.end(ctx, me, c.event(Event{Type: ChatDeleted, OnlyID: me.UserID, ByID: me.UserID}))
}
