package realtime

import (
	"errors"

	"doran/chat"
)

// Disconnect is a way in which a connection ends. It is the cause of the connection's context, and a label of the counter
// doran_realtime_disconnects_total.
type Disconnect struct {
	Code      int    // of the WebSocket close frame (RFC 6455, section 7.4); 0: nobody is there to be told
	Name      string // the reason in the frame
	Reconnect bool   // whether coming back with the cursor makes sense, without the user doing something
}

// Error is the name.
func (d *Disconnect) Error() string { return d.Name }

// The catalogue. A client that does not read any more cannot be told that it is TooSlow: its connection just ends.
var (
	GoingAway  = &Disconnect{1001, "going_away", true}       // this node stops; another one goes on from the cursor
	TooBig     = &Disconnect{1009, "too_big", true}          // the client sent more than 4 KiB in a message
	Internal   = &Disconnect{1011, "internal", true}         // a defect
	TokenEnded = &Disconnect{4401, "unauthenticated", false} // the token ended, or there never was one
	TooSlow    = &Disconnect{4408, "too_slow", true}         // the client did not take a batch in time
	TooMany    = &Disconnect{4409, "too_many", false}        // the token opened one more than it may; the oldest goes
	NoCursor   = &Disconnect{4422, "no_cursor", false}       // what was given is no cursor of this user
	Left       = &Disconnect{0, "left", true}                // the client closed
	Lost       = &Disconnect{0, "lost", true}                // the client is not heard of any more
	Answered   = &Disconnect{0, "answered", true}            // a poll has its batch
	Down       = &Disconnect{0, "unavailable", true}         // a poll could not be answered: Redis or the database is down
)

// disconnect finds the way in which an error ends a connection.
func disconnect(err error) *Disconnect {
	var d *Disconnect
	switch {
	case errors.As(err, &d):
		return d
	case hasCode(err, chat.CodeUnauthenticated):
		return TokenEnded
	case hasCode(err, chat.CodeValidation):
		return NoCursor
	case hasCode(err, chat.CodeUnavailable):
		return Down
	default:
		return Internal
	}
}

func hasCode(err error, code chat.Code) bool { return errors.Is(err, &chat.Error{Code: code}) }
