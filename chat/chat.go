package chat

import (
	"context"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/member"
)

// The kinds of a chat.
const (
	KindDirect = "direct" // of exactly two, one for each pair of users, for ever
	KindGroup  = "group"
)

// Info is what every member may know of a chat; chat.* events carry it.
type Info struct {
	ID          int64  `json:"id"`
	Kind        string `json:"kind"`
	Title       string `json:"title"`
	OwnerID     *int64 `json:"owner_id"` // nil in a direct chat
	MemberCount int    `json:"member_count"`
	Users       []User `json:"users"` // both of a direct chat, the five longest-standing of a group
	CreatedAt   Time   `json:"created_at"`
	Version     int64  `json:"version"`
}

// Chat is a chat as one member sees it.
type Chat struct {
	Info
	FirstSeq          int64    `json:"first_seq"` // of the first message that this member may see
	LastMessage       *Message `json:"last_message"`
	LastReadMessageID *int64   `json:"last_read_message_id"`
	UnreadCount       int64    `json:"unread_count"`
	Muted             bool     `json:"muted"`
}

// SetTitle is for the owner of a group. CodeForbidden, CodeDirectChat, CodeNotFound.
func (s *Service) SetTitle(ctx context.Context, userID, chatID int64, title string) (Chat, error) {
	if err := s.checkTitle(title); err != nil {
		return Chat{}, err
	}
	err := s.change(ctx, userID, chatID, func(c *change, me *ent.Member) error {
		switch {
		case isDirect(c.Chat):
			return refuse(CodeDirectChat, "A direct chat has no title.")
		case me.Role != RoleOwner:
			return refuse(CodeForbidden, "Only the owner of chat %d changes its title.", chatID)
		case c.Title == title:
			return nil
		}
		c.Title = title
		c.event(Event{Type: ChatUpdated, ByID: userID})
		return nil
	})
	if err != nil {
		return Chat{}, err
	}
	return s.Chat(ctx, userID, chatID)
}

// DeleteChat ends a group for all (its owner), or a direct chat for this side, until the next message. CodeForbidden, CodeNotFound.
func (s *Service) DeleteChat(ctx context.Context, userID, chatID int64) error {
	return s.change(ctx, userID, chatID, func(c *change, me *ent.Member) error {
		if isDirect(c.Chat) {
			return c.deleteForOneSide(ctx, me)
		}
		if me.Role != RoleOwner {
			return refuse(CodeForbidden, "Only the owner of chat %d deletes it; you can leave it.", chatID)
		}
		version := c.event(Event{Type: ChatDeleted, ByID: userID})
		c.DeletedAt, c.MemberCount = &c.at, 0
		return c.tx.Member.Update().Where(member.ChatID(chatID), member.LeftVersion(0)).SetLeftVersion(version).Exec(ctx)
	})
}

// memberOf is a chat and the stay of who is in it. CodeNotFound for everybody else. The chat is read first: a marker that moves in between
// is then ahead of it, and nothing seems unread that is not.
func (s *Service) memberOf(ctx context.Context, userID, chatID int64) (*ent.Chat, *ent.Member, error) {
	row, err := s.Client.Chat.Query().Where(entchat.ID(chatID), entchat.DeletedAtIsNil()).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil, noChat(chatID)
	}
	if err != nil {
		return nil, nil, s.dbErr(err)
	}
	me, err := s.Client.Member.Query().Where(member.ChatID(chatID), member.UserID(userID), member.LeftVersion(0)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil, noChat(chatID)
	}
	return row, me, s.dbErr(err)
}
