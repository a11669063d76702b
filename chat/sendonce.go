package chat

import (
	"context"

	"doran/ent"
	"doran/ent/message"
	"doran/ent/predicate"
)

// sentKey is what a message is known by to who sends it again. Without a client_id nothing is ever found by it.
type sentKey struct {
	userID   int64
	clientID string
}

func (p *sending) key() sentKey { return sentKey{p.userID, p.clientID} }

// again answers with the message that the client_id stands for, if it is the same one. Once edited or deleted its content is not what was sent.
func (p *sending) again(m *ent.Message) sent {
	switch {
	case m.ChatID != p.chatID:
		return sent{err: refuse(CodeClientIDReused, "The client_id %q stands for message %d in another chat.", p.clientID, m.ID)}
	case m.Content != p.content && m.EditedAt == nil && !m.Deleted:
		return sent{err: refuse(CodeClientIDReused, "The client_id %q stands for message %d with another content.", p.clientID, m.ID)}
	}
	return sent{message: messageOf(m)}
}

// sentBefore are the messages that the client_ids of these senders stand for already.
func sentBefore(ctx context.Context, db *ent.Client, sends []*sending) (map[sentKey]*ent.Message, error) {
	found := map[sentKey]*ent.Message{}
	var keys []predicate.Message
	for _, p := range sends {
		if p.clientID != "" {
			keys = append(keys, message.And(message.SenderID(p.userID), message.ClientID(p.clientID)))
		}
	}
	if len(keys) == 0 {
		return found, nil
	}
	rows, err := db.Message.Query().Where(message.Or(keys...)).All(ctx)
	for _, m := range rows {
		found[sentKey{m.SenderID, *m.ClientID}] = m
	}
	return found, err
}

// settle answers a group whose transaction failed because the database did not answer. A COMMIT whose connection broke may have succeeded:
// what has a client_id is looked up.
func (s *Service) settle(group []*sending, begun Time, failed error) []sent {
	ctx, cancel := context.WithTimeout(context.Background(), txTimeout/2)
	defer cancel()
	before, err := sentBefore(ctx, s.Client, group)
	if err != nil {
		before = nil
	}
	answers := make([]sent, len(group))
	for i, p := range group {
		m := before[p.key()]
		if m == nil {
			answers[i].err = &Error{Code: CodeUnavailable, Detail: outcomeUnknown, Err: failed}
			continue
		}
		answers[i] = p.again(m)
		answers[i].isNew = !m.CreatedAt.Before(begun.Time)
		s.announce(News{Chats: []int64{m.ChatID}})
	}
	return answers
}
