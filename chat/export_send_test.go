package chat

// Waiting is how many messages wait for a sender.
func (s *Service) Waiting() int {
	n := 0
	for _, queue := range s.senders {
		n += len(queue)
	}
	return n
}

// MaxWaiting is how many may, of the chats that share a sender.
const MaxWaiting = sendersWaiting

// Sending is a message that shares a transaction with others.
type Sending struct {
	UserID, ChatID    int64
	Content, ClientID string
}

// Sent is what became of it.
type Sent struct {
	Message Message
	IsNew   bool
	Err     error
}

// Commit does with these messages what a sender does with those that wait for it together.
func (s *Service) Commit(sends ...Sending) []Sent {
	group := make([]*sending, len(sends))
	for i, p := range sends {
		group[i] = &sending{p.UserID, p.ChatID, p.Content, p.ClientID, make(chan sent, 1)}
	}
	s.commit(group)
	answers := make([]Sent, len(sends))
	for i, p := range group {
		a := <-p.answer
		answers[i] = Sent{a.message, a.isNew, a.err}
	}
	return answers
}
