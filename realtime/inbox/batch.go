package inbox

import "doran/chat"

// Batch is what every transport delivers. It has either events, or a gap, or neither.
type Batch struct {
	After  string  `json:"after,omitempty"` // the cursor that it follows; absent in a gap
	Gap    bool    `json:"gap,omitempty"`   // what lies between the cursor and now is not certainly all there
	Events []Event `json:"events"`          // never nil, at most MaxEvents
	Cursor string  `json:"cursor"`          // where to go on from
}

// MaxEvents bounds a batch.
const MaxEvents = 100

// Event is one event as a user is shown it. The ephemeral ones have neither ID nor Version.
type Event struct {
	ID      string         `json:"id,omitempty"` // the cursor of this event
	Type    chat.EventType `json:"type"`
	ChatID  int64          `json:"chat_id,omitempty"`
	Version int64          `json:"version,omitempty"`
	At      chat.Time      `json:"at"`
	Data    any            `json:"data"`
}

// MemberData is the data of member.added and member.removed.
type MemberData struct {
	User chat.User `json:"user"`
	By   chat.User `json:"by"`
}
