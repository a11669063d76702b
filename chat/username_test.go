package chat_test

import (
	"strings"
	"testing"

	"doran/chat"
)

func TestUsernamesThatAreOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ typed, key string }{
		{"bob", "bob"},
		{"BOB", "bob"},
		{"Ｂob", "bob"},
		{"ｂｏｂ", "bob"},
		{"도란도란", "도란도란"},
		{"도란", "도란"}, // composed from letters, as macOS writes it
		{"ｶﾀｶﾅ", "カタカナ"},
		{"Straße", "straße"},
		{"strasse", "strasse"},
		{"É́a", "é́a"},
		{"1bob", "1bob"},
		{"_b.o-b@", "_b.o-b@"},
		{"<b>", "<b>"},
		{"Боб", "боб"},
		{"bob도란", "bob도란"},
		{"שלום", "שלום"},
		{strings.Repeat("가", 32), strings.Repeat("가", 32)},
	} {
		key, err := chat.UsernameKey(test.typed)
		if err != nil || key != test.key {
			t.Errorf("%q is %q, want %q (%v)", test.typed, key, test.key, err)
		}
		if again, err := chat.UsernameKey(key); err != nil || again != key {
			t.Errorf("%q is %q again (%v)", key, again, err)
		}
	}
}

func TestUsernamesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ typed, code string }{
		"nothing":                 {"", "required"},
		"one character":           {"b", "too_short"},
		"one syllable in letters": {"\u1103\u1169", "too_short"},
		"33 characters":           {strings.Repeat("b", 33), "too_long"},
		"33 that become fewer":    {strings.Repeat("\u1103\u1169", 17), "too_long"},
		"32 that become more":     {strings.Repeat("\u0130", 32), "too_long"},
		"trailing space":          {"bob ", "invalid"},
		"leading space":           {" bob", "invalid"},
		"space within":            {"b ob", "invalid"},
		"ideographic space":       {"b\u3000ob", "invalid"},
		"emoji":                   {"bob😀", "invalid"},
		"right-to-left override":  {"bob\u202e", "invalid"},
		"isolate":                 {"\u2066bob", "invalid"},
		"zero-width space":        {"bo\u200bb", "invalid"},
		"word joiner":             {"bo\u2060b", "invalid"},
		"byte order mark":         {"\ufeffbob", "invalid"},
		"soft hyphen":             {"bo\u00adb", "invalid"},
		"joiner between letters":  {"bo\u200db", "invalid"},
		"joiner after a virama":   {"क्\u200dष", "invalid"},
		"non-joiner in Persian":   {"می\u200cخواهم", "invalid"},
		"variation selector":      {"bob\ufe0f", "invalid"},
		"tag character":           {"bob\U000e0062", "invalid"},
		"Hangul filler":           {"bo\u3164b", "invalid"},
		"halfwidth filler":        {"bo\uffa0b", "invalid"},
		"braille blank":           {"bo\u2800b", "invalid"},
		"grapheme joiner":         {"bo\u034fb", "invalid"},
		"leading mark":            {"\u0301bob", "invalid"},
		"NUL":                     {"bo\x00b", "invalid"},
		"newline":                 {"bob\n", "invalid"},
		"broken UTF-8":            {"bob\xff", "invalid"},
		"private use":             {"bob\ue000", "invalid"},
		"ligature":                {"ﬁsh", "invalid"},
		"superscript":             {"bigᴮᴵᴳ", "invalid"},
		"circled":                 {"①②", "invalid"},
		"Cyrillic о in Latin":     {"bоb", "invalid"},
		"Greek ο in Latin":        {"bοb", "invalid"},
		"mixed directions":        {"שלוםbob", "invalid"},
	} {
		key, err := chat.UsernameKey(test.typed)
		if err == nil || key != "" {
			t.Errorf("%s: %q became the name %q", name, test.typed, key)
		}
		wantField(t, err, "username", test.code)
	}
}

// Whatever is typed, its canonical form is canonical, and there is no other name between the two.
func FuzzUsernameKey(f *testing.F) {
	for _, seed := range []string{"bob", "Ｂob", "İi", "ẞß", "ΑΣ", "도란", "é", "क्ष", "\u0345a", "ǅa", "ᲀа"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		key, err := chat.UsernameKey(typed)
		if err != nil {
			return
		}
		if again, err := chat.UsernameKey(key); err != nil || again != key {
			t.Errorf("%q is %q, and that is %q (%v)", typed, key, again, err)
		}
		if upper, err := chat.UsernameKey(strings.ToUpper(typed)); err == nil && len(typed) == len(key) && isASCII(typed) && upper != key {
			t.Errorf("%q is %q, in upper case %q", typed, key, upper)
		}
	})
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) }
