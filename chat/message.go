package chat

import (
	"context"

	"doran/ent"
	"doran/ent/message"
)

// Tombstone is the content of a deleted message.
const Tombstone = "삭제된 메세지 입니다."

// Message is a message as it is now.
type Message struct {
	ID        int64   `json:"id"`
	ChatID    int64   `json:"chat_id"`
	Seq       int64   `json:"seq"`
	Version   int64   `json:"version"`
	SenderID  int64   `json:"sender_id"`
	Content   string  `json:"content"`
	ClientID  *string `json:"client_id"` // nil but for its sender
	CreatedAt Time    `json:"created_at"`
	EditedAt  *Time   `json:"edited_at"`
	Deleted   bool    `json:"deleted"`
}

// For is the message as userID may see it: only its sender is shown the client_id.
func (m Message) For(userID int64) Message {
	if m.SenderID != userID {
		m.ClientID = nil
	}
	return m
}

// maySee: a member sees what was sent after their stay began.
func maySee(me *ent.Member, m *ent.Message) bool { return m.Seq > me.JoinedSeq }

func noMessage(id, chatID int64) error {
	return refuse(CodeNotFound, "There is no message %d in chat %d that you may see.", id, chatID)
}

// EditMessage is for the sender; the same content again changes nothing. CodeNotFound, CodeForbidden, CodeMessageDeleted, CodeBlocked,
// CodeUserGone, CodeValidation.
func (s *Service) EditMessage(ctx context.Context, userID, chatID, messageID int64, content string) (Message, error) {
	if err := s.checkContent(content); err != nil {
		return Message{}, err
	}
	return s.changeMessage(ctx, userID, chatID, messageID, func(c *change, me *ent.Member, m *ent.Message) error {
		switch {
		case m.SenderID != userID:
			return refuse(CodeForbidden, "Only who sent message %d edits it.", messageID)
		case m.Deleted:
			return refuse(CodeMessageDeleted, "Message %d is deleted, and a deleted message is not edited.", messageID)
		case m.Content == content:
			return nil
		}
		if err := mayWrite(ctx, c.tx, c.Chat, userID); err != nil {
			return err
		}
		m.Content, m.EditedAt = content, &c.at
		return c.rewrite(ctx, m, MessageEdited, userID)
	})
}

// DeleteMessage is for the sender and the owner of a group; again it changes nothing. CodeNotFound, CodeForbidden.
func (s *Service) DeleteMessage(ctx context.Context, userID, chatID, messageID int64) (Message, error) {
	return s.changeMessage(ctx, userID, chatID, messageID, func(c *change, me *ent.Member, m *ent.Message) error {
		switch {
		case m.SenderID != userID && me.Role != RoleOwner:
			return refuse(CodeForbidden, "Message %d is deleted by who sent it or by the owner of the group.", messageID)
		case m.Deleted:
			return nil
		}
		m.Content, m.Deleted = Tombstone, true
		return c.rewrite(ctx, m, MessageDeleted, userID)
	})
}

// changeMessage changes a message that the caller may see, under the chat's lock, and gives it as it is then.
func (s *Service) changeMessage(ctx context.Context, userID, chatID, messageID int64, do func(*change, *ent.Member, *ent.Message) error) (Message, error) {
	var changed Message
	err := s.change(ctx, userID, chatID, func(c *change, me *ent.Member) error {
		m, err := c.tx.Message.Query().Where(message.ID(messageID), message.ChatID(chatID)).Only(ctx)
		if ent.IsNotFound(err) || err == nil && !maySee(me, m) {
			return noMessage(messageID, chatID)
		}
		if err != nil {
			return err
		}
		if err := do(c, me, m); err != nil {
			return err
		}
		changed = messageOf(m).For(userID)
		return nil
	})
	return changed, err
}

// rewrite stores the message with the version of what happened to it.
func (c *change) rewrite(ctx context.Context, m *ent.Message, what EventType, byID int64) error {
	m.Version = c.event(Event{Type: what, MessageID: m.ID, Seq: m.Seq, ByID: byID})
	return c.tx.Message.Update().Where(message.ID(m.ID)).SetContent(m.Content).SetDeleted(m.Deleted).SetNillableEditedAt(m.EditedAt).
		SetVersion(m.Version).Exec(ctx)
}
