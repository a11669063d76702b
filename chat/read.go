package chat

import (
	"context"

	"doran/ent"
	"doran/ent/member"
	"doran/ent/message"
)

// Read answers a read marker.
type Read struct {
	ChatID        int64  `json:"chat_id"`
	UserID        int64  `json:"user_id"`
	LastMessageID *int64 `json:"last_message_id"`
}

// ReadData is the data of MessageRead.
type ReadData struct {
	UserID        int64 `json:"user_id"`
	LastMessageID int64 `json:"last_message_id"`
	Seq           int64 `json:"seq"`
}

// MarkRead moves the marker forward; an older message changes nothing. CodeNotFound: the message is not in the chat, or not to be seen.
//
// It takes no lock of the chat and makes no version: of two devices at once the further one stays, by the condition of the update.
func (s *Service) MarkRead(ctx context.Context, userID, chatID, messageID int64) (Read, error) {
	row, me, err := s.memberOf(ctx, userID, chatID)
	if err != nil {
		return Read{}, err
	}
	m, err := s.Client.Message.Query().Where(message.ID(messageID), message.ChatID(chatID)).Only(ctx)
	if ent.IsNotFound(err) || err == nil && !maySee(me, m) && !isMarker(me, m) {
		return Read{}, noMessage(messageID, chatID)
	}
	if err != nil {
		return Read{}, s.dbErr(err)
	}
	moved := false
	err = s.tx(ctx, func(tx *ent.Tx) error {
		n, err := tx.Member.Update().Where(member.ID(me.ID), member.LeftVersion(0), member.ReadSeqLT(m.Seq)).
			SetLastMessageID(m.ID).SetReadSeq(m.Seq).Save(ctx)
		if moved = n > 0; err != nil || !moved {
			return err
		}
		return writeOutbox(ctx, tx.Client(), []Event{{ChatID: chatID, Version: row.Version, Type: MessageRead, MessageID: m.ID, Seq: m.Seq,
			UserID: userID, ByID: userID, At: At(s.Now())}})
	})
	if err != nil {
		return Read{}, err
	}
	if moved {
		s.announce(News{Chats: []int64{chatID}})
		s.tellRead(ctx, row, userID, m)
		return Read{ChatID: chatID, UserID: userID, LastMessageID: &m.ID}, nil
	}
	me, err = s.Client.Member.Get(ctx, me.ID)
	if err != nil {
		return Read{}, s.dbErr(err)
	}
	return Read{ChatID: chatID, UserID: userID, LastMessageID: me.LastMessageID}, nil
}

// tellRead tells the others of a small group; the reader's own devices, and the other side of a direct chat, find it in their inboxes.
// Like all that is ephemeral it may be lost.
func (s *Service) tellRead(ctx context.Context, row *ent.Chat, userID int64, m *ent.Message) {
	if isDirect(row) || row.MemberCount > s.Limits.ReadersShown {
		return
	}
	err := s.tellOthers(ctx, userID, row.ID, Ephemeral{Type: MessageRead, ChatID: row.ID, At: At(s.Now()),
		Data: ReadData{UserID: userID, LastMessageID: m.ID, Seq: m.Seq}})
	if err != nil {
		s.Log.Warn("the others are not told who has read", "chat", row.ID, "user", userID, "err", err)
	}
}

// isMarker: the newest message when one joined is one's marker, though it is not seen.
func isMarker(me *ent.Member, m *ent.Message) bool {
	return me.LastMessageID != nil && *me.LastMessageID == m.ID
}
