package inbox_test

import (
	"errors"
	"strings"
	"testing"

	"doran/chat"
	"doran/realtime/inbox"

	"pgregory.net/rapid"
)

var cursors = rapid.Custom(func(t *rapid.T) inbox.Cursor {
	return inbox.Cursor{
		User: rapid.Int64Range(1, 1<<53-1).Draw(t, "user"), Epoch: rapid.Int64Range(1, 1<<53-1).Draw(t, "epoch"),
		Birth: rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "birth"), Entry: rapid.StringMatching(`1[0-9]{12}-(0|[1-9][0-9]{0,4})`).Draw(t, "entry"),
	}
})

func TestCursorComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := cursors.Draw(t, "cursor")
		got, err := inbox.ParseCursor(c.User, c.String())
		if err != nil || got != c {
			t.Fatalf("ParseCursor(%q) = %+v, %v; want %+v", c, got, err, c)
		}
	})
}

// A cursor with one byte changed is refused: that it means another place is what the check is for.
func TestDamagedCursorIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := cursors.Draw(t, "cursor")
		s := []byte(c.String())
		i := rapid.IntRange(0, len(s)-1).Draw(t, "at")
		s[i] = rapid.SampledFrom([]byte("0123456789abcdef.-x")).Filter(func(b byte) bool { return b != s[i] }).Draw(t, "byte")
		if got, err := inbox.ParseCursor(c.User, string(s)); err == nil {
			t.Fatalf("ParseCursor(%q), damaged from %q, = %+v", s, c, got)
		}
	})
}

func TestNoCursor(t *testing.T) {
	t.Parallel()
	mine := inbox.Cursor{User: 42, Epoch: 1, Birth: "9f1c04aa", Entry: "1795417063199-0"}
	theirs := mine
	theirs.User = 43
	for name, s := range map[string]string{
		"foreign": theirs.String(), "empty": "", "words": "abc", "number": "1", "negative": "-1", "dots": "....", "truncated": mine.String()[:20],
		"upper case": strings.ToUpper(mine.String()), "space": " " + mine.String(), "long": strings.Repeat("1", 1<<16), "line": mine.String() + "\n",
	} {
		_, err := inbox.ParseCursor(42, s)
		var refused *chat.Error
		if !errors.As(err, &refused) || refused.Code != chat.CodeValidation || refused.Fields[0].Field != "after" {
			t.Errorf("%s: ParseCursor(%.40q) gives %v, want validation_failed about after", name, s, err)
		}
	}
}
