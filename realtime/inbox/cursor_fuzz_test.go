package inbox_test

import (
	"fmt"
	"testing"

	"doran/realtime/inbox"
)

// What is taken for a cursor is one that was given to this very user, letter for letter.
func FuzzCursor(f *testing.F) {
	good := inbox.Cursor{User: 42, Epoch: 3, Birth: "9f1c04aa", Entry: "1732350000000-0"}.String()
	for _, seed := range []string{good, "", "0", "42.3.9f1c04aa.1732350000000-0", good + "0", "42.3.9f1c04aa.1732350000000-0.", "....", "-1.0.........", good[1:]} {
		f.Add(seed, int64(42))
	}
	f.Fuzz(func(t *testing.T, text string, user int64) {
		c, err := inbox.ParseCursor(user, text)
		if err != nil {
			return
		}
		if c.User != user {
			t.Errorf("user %d may use %q of user %d", user, text, c.User)
		}
		if c.String() != text {
			t.Errorf("%q is read as %q", text, c.String())
		}
	})
}

// Every cursor that is given can be read again, by its user and by nobody else.
func FuzzCursorThatIsGiven(f *testing.F) {
	f.Add(int64(42), int64(3), uint32(0x9f1c04aa), uint64(1732350000000), uint64(0))
	f.Add(int64(1<<53-1), int64(1<<62), uint32(0), ^uint64(0), ^uint64(0))
	f.Fuzz(func(t *testing.T, user, epoch int64, birth uint32, ms, count uint64) {
		if user < 1 || epoch < 1 {
			return
		}
		c := inbox.Cursor{User: user, Epoch: epoch, Birth: fmt.Sprintf("%08x", birth), Entry: fmt.Sprintf("%d-%d", ms, count)}
		if got, err := inbox.ParseCursor(user, c.String()); err != nil || got != c {
			t.Errorf("%+v is given as %q and read as %+v, %v", c, c.String(), got, err)
		}
		if _, err := inbox.ParseCursor(user+1, c.String()); err == nil {
			t.Errorf("%q is a cursor of user %d too", c.String(), user+1)
		}
	})
}
