package chat

import (
	"context"

	"doran/ent/member"
)

// SendTyping tells the other members who are connected. CodeNotFound, CodeBlocked, CodeUserGone.
func (s *Service) SendTyping(ctx context.Context, userID, chatID int64) error {
	row, _, err := s.memberOf(ctx, userID, chatID)
	if err != nil {
		return err
	}
	if err := mayWrite(ctx, s.Client, row, userID); err != nil {
		return s.dbErr(err)
	}
	return s.tellOthers(ctx, userID, chatID, Ephemeral{Type: Typing, ChatID: chatID, At: At(s.Now()), Data: TypingData{UserID: userID}})
}

// TypingData is the data of Typing.
type TypingData struct {
	UserID int64 `json:"user_id"`
}

// tellOthers tells something ephemeral to the other members.
func (s *Service) tellOthers(ctx context.Context, userID, chatID int64, e Ephemeral) error {
	err := s.Client.Member.Query().Where(member.ChatID(chatID), member.LeftVersion(0), member.UserIDNEQ(userID)).
		Select(member.FieldUserID).Scan(ctx, &e.To)
	if err != nil {
		return s.dbErr(err)
	}
	if len(e.To) > 0 {
		s.announce(News{Ephemeral: []Ephemeral{e}})
	}
	return nil
}
