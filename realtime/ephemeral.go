package realtime

import (
	"encoding/json"

	"doran/chat"
	"doran/realtime/inbox"
)

// passing is something ephemeral on its way to whoever is connected: it has no place in an inbox, moves no cursor, and is
// dropped wherever there is no room for it. Its data was encoded once.
type passing struct {
	To     []int64         `json:"to"`
	Type   chat.EventType  `json:"type"`
	ChatID int64           `json:"chat_id,omitempty"`
	At     chat.Time       `json:"at"`
	Data   json.RawMessage `json:"data"`
}

func (s *Server) passing(e chat.Ephemeral) (passing, bool) {
	data, err := json.Marshal(e.Data)
	if err != nil {
		s.Log.Error("realtime: an ephemeral event cannot be encoded and is dropped", "type", e.Type, "error", err)
		return passing{}, false
	}
	return passing{To: e.To, Type: e.Type, ChatID: e.ChatID, At: e.At, Data: data}, true
}

func (p passing) event() *inbox.Event {
	return &inbox.Event{Type: p.Type, ChatID: p.ChatID, At: p.At, Data: p.Data}
}
