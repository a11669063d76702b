package inbox

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"doran/chat"
)

// Cursor is a place in one user's inbox: after the entry, in the inbox that was born so, in this epoch. The user is in it
// because one script call may give many inboxes the same entry id; the birth, because a reborn inbox can repeat an id; the
// epoch, because a restored snapshot or a promoted replica still has the entry and lacks what came after it.
//
// On the wire it is "USER.EPOCH.BIRTH.ENTRY.CHECK", for example "42.3.9f1c04aa.1732350000000-0.5b21c09e": opaque to clients,
// and to operators the argument of `redis-cli XRANGE inbox:{42} 1732350000000-0 +`. The check is there so that a damaged
// cursor is refused instead of meaning another place.
type Cursor struct {
	User, Epoch  int64
	Birth, Entry string
}

// String is the cursor as clients hold it.
func (c Cursor) String() string {
	s := fmt.Sprintf("%d.%d.%s.%s", c.User, c.Epoch, c.Birth, c.Entry)
	return s + "." + check(s)
}

func check(s string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s))) }

const maxCursor = 96 // bytes; the longest that String gives is shorter

// ParseCursor reads a cursor of this user. Everything else is a chat.CodeValidation error about "after".
func ParseCursor(user int64, s string) (Cursor, error) {
	bad := func(why string) (Cursor, error) {
		return Cursor{}, chat.Invalid("after", "invalid", "%s; start without a cursor, and read the chats", why)
	}
	i := strings.LastIndexByte(s, '.')
	if len(s) > maxCursor || i < 0 {
		return bad("this is no cursor")
	}
	if check(s[:i]) != s[i+1:] {
		return bad("this cursor is damaged")
	}
	parts := strings.Split(s[:i], ".")
	if len(parts) != 4 {
		return bad("this is no cursor")
	}
	owner, err := strconv.ParseInt(parts[0], 10, 64)
	epoch, err2 := strconv.ParseInt(parts[1], 10, 64)
	c := Cursor{User: owner, Epoch: epoch, Birth: parts[2], Entry: parts[3]}
	if err != nil || err2 != nil || epoch < 1 || !isBirth(c.Birth) || !isEntry(c.Entry) || c.String() != s {
		return bad("this is no cursor")
	}
	if owner != user {
		return bad("this cursor is of another user's inbox")
	}
	return c, nil
}

// isBirth: eight hexadecimal digits, as newBirth makes them.
func isBirth(s string) bool {
	return len(s) == 8 && strings.Trim(s, "0123456789abcdef") == ""
}

// isEntry: a Redis stream id, "milliseconds-counter".
func isEntry(s string) bool {
	ms, n, ok := strings.Cut(s, "-")
	_, err := strconv.ParseUint(ms, 10, 64)
	_, err2 := strconv.ParseUint(n, 10, 64)
	return ok && err == nil && err2 == nil
}
