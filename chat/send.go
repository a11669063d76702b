package chat

import (
	"context"
	"errors"
	"time"

	"doran/ent"
	"doran/internal/failpoint"

	"entgo.io/ent/dialect"
)

// The bounds of sending.
const (
	sendersOnMySQL = 4   // transactions at once, each with its chats
	sendersWaiting = 512 // messages that wait for a sender; more are CodeUnavailable
	sendsPerCommit = 64
	sendWait       = 2800 * time.Millisecond // also when a whole queue is before one: an answer comes in under three seconds
)

// sending is a message on its way into the database.
type sending struct {
	userID, chatID    int64
	content, clientID string
	answer            chan sent // of size one: whoever asked may be gone
}

// sent is what became of it.
type sent struct {
	message Message
	isNew   bool
	err     error
}

// SendMessage stores a message once; the bool says whether it is new or the one that this client_id stands for already. It returns after
// the commit. A caller who hangs up does not take it back. CodeNotFound, CodeBlocked, CodeUserGone, CodeClientIDReused, CodeValidation,
// CodeUnavailable (the outcome may be unknown: repeat with the same client_id).
func (s *Service) SendMessage(ctx context.Context, userID, chatID int64, content, clientID string) (Message, bool, error) {
	if err := allInvalid(s.checkContent(content), checkClientID(clientID)); err != nil {
		return Message{}, false, err
	}
	if failpoint.Defective(failpoint.NoDedupe) {
		clientID = ""
	}
	p := &sending{userID: userID, chatID: chatID, content: content, clientID: clientID, answer: make(chan sent, 1)}
	select {
	case s.senders[uint64(chatID)%uint64(len(s.senders))] <- p:
	default:
		return Message{}, false, &Error{Code: CodeUnavailable, Detail: "More messages are being sent than the database takes. Nothing was stored; try again in a moment."}
	}
	ctx, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	select {
	case a := <-p.answer:
		return a.message, a.isNew, a.err
	case <-ctx.Done():
		return Message{}, false, &Error{Code: CodeUnavailable, Detail: outcomeUnknown, Err: ctx.Err()}
	}
}

const outcomeUnknown = "The database did not answer in time, so it is not known whether the message was stored. Repeat it with the same client_id; without one it may be stored twice."

// startSenders starts the goroutines that commit messages, each those of its chats: one transaction at a time on SQLite, which has one writer.
func (s *Service) startSenders() {
	n := sendersOnMySQL
	if s.Dialect == dialect.SQLite {
		n = 1
	}
	for range n {
		queue := make(chan *sending, sendersWaiting)
		s.senders = append(s.senders, queue)
		s.running.Go(func() { s.sendAll(queue) })
	}
}

// sendAll commits what waits together: one alone waits for nobody, and those that come while a transaction runs share the next. At
// the end it commits what still waits.
func (s *Service) sendAll(queue chan *sending) {
	for {
		select {
		case p := <-queue:
			s.commit(waiting(queue, p))
		case <-s.closed:
			for len(queue) > 0 {
				s.commit(waiting(queue, <-queue))
			}
			return
		}
	}
}

// waiting is the first and as many as wait behind it, up to what one transaction takes.
func waiting(queue chan *sending, first *sending) []*sending {
	group := []*sending{first}
	for len(group) < sendsPerCommit && len(queue) > 0 {
		group = append(group, <-queue)
	}
	return group
}

const commitTries = 3

// commit stores a group and answers each. A client_id that a sender of other chats, or another node, takes at the same moment fails the
// whole transaction; the next try finds it. What fails for a reason of its own is told apart from the rest by storing each alone.
func (s *Service) commit(group []*sending) {
	begun := At(s.Now())
	var answers []sent
	var chats []int64
	var err error
	for range commitTries {
		if answers, chats, err = s.store(group); !isDuplicate(err) {
			break
		}
	}
	switch {
	case err == nil && len(chats) > 0:
		s.announce(News{Chats: chats})
	case errors.Is(err, errUnavailable), isDuplicate(err) && len(group) == 1:
		answers = s.settle(group, begun, err)
	case err != nil && len(group) > 1:
		for _, p := range group {
			s.commit([]*sending{p})
		}
		return
	case err != nil:
		answers = []sent{{err: err}}
	}
	tell(group, answers)
}

// store is the transaction. Nobody's hanging up takes it back; tx bounds its time.
func (s *Service) store(group []*sending) (answers []sent, chats []int64, err error) {
	ctx := context.Background()
	err = s.tx(ctx, func(tx *ent.Tx) error {
		g := newSendGroup(s, tx, group)
		if err := g.store(ctx); err != nil {
			return err
		}
		answers, chats = g.answers, g.touched()
		if failpoint.Defective(failpoint.AnswerBeforeCommit) {
			tell(group, answers)
		}
		return nil
	})
	return answers, chats, err
}

func tell(group []*sending, answers []sent) {
	for i, p := range group {
		select {
		case p.answer <- answers[i]:
		default: // it was told
		}
	}
}

var errUnavailable = &Error{Code: CodeUnavailable}
