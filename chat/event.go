package chat

// EventType names what happened. Clients pass over types that they do not know.
type EventType string

// The kept events have a place in inboxes; the ephemeral ones have none.
const (
	MessageCreated EventType = "message.created"
	MessageEdited  EventType = "message.edited"
	MessageDeleted EventType = "message.deleted"
	MessageRead    EventType = "message.read" // kept for the reader and the other side of a direct chat, ephemeral for others
	ChatCreated    EventType = "chat.created"
	ChatUpdated    EventType = "chat.updated"
	ChatDeleted    EventType = "chat.deleted"
	MemberAdded    EventType = "member.added"
	MemberRemoved  EventType = "member.removed"
	Typing         EventType = "typing"   // ephemeral
	Presence       EventType = "presence" // ephemeral
)

// Event is one row of the outbox: something that was committed, told by ids, so that whoever is shown it is shown how
// things are then. Every kept event but MessageRead takes a version of its own in its chat, so an inbox can tell that one is
// missing; MessageRead carries the version of its time and is ordered by Seq for each reader.
type Event struct {
	ID        int64 // of the outbox row
	ChatID    int64
	Version   int64
	Type      EventType
	MessageID int64 // the message of message.*; for MessageRead the last one seen; else 0
	Seq       int64 // of MessageID
	UserID    int64 // who was added, removed, or has read; else 0
	ByID      int64 // who did it
	OnlyID    int64 // the one member who is told; 0: each member as of Version
	At        Time
}

// Ephemeral is something worth telling only to who is connected now: it has no place in an inbox and may be lost.
type Ephemeral struct {
	Type   EventType `json:"type"`
	ChatID int64     `json:"chat_id,omitempty"` // absent for Presence
	At     Time      `json:"at"`
	Data   any       `json:"data"`
	To     []int64   `json:"-"` // user ids
}

// News is what one committed transaction leaves for others to carry. Any part may be empty.
type News struct {
	Chats       []int64     // chats whose outbox has new rows
	Ephemeral   []Ephemeral // to whoever is connected
	EndedTokens []int64     // token ids whose connections are to be cut on every node
}

// Outlet is the one way in which what happened leaves the domain. Announce is called after the commit, from many goroutines
// at once, and neither blocks nor fails: what it loses costs time and no message, as the outbox is swept and tokens are
// asked about again.
type Outlet interface{ Announce(News) }
