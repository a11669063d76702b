package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkContent: 1..Limits.Content characters that are not all white space or invisible. It is stored to the letter.
func (s *Service) checkContent(content string) error {
	switch n := utf8.RuneCountInString(content); {
	case !utf8.ValidString(content):
		return Invalid("content", "invalid", "must be UTF-8")
	case strings.ContainsRune(content, 0):
		return Invalid("content", "invalid", "has a NUL character, which no text needs")
	case n > s.Limits.Content:
		return Invalid("content", "too_long", "has %d characters, and at most %d are taken", n, s.Limits.Content)
	case n == 0:
		return Invalid("content", "too_short", "is empty")
	case strings.IndexFunc(content, isVisible) < 0:
		return Invalid("content", "blank", "shows nothing: it is all white space or invisible")
	}
	return nil
}

// checkTitle: 0..Limits.Title characters on one line.
func (s *Service) checkTitle(title string) error {
	switch n := utf8.RuneCountInString(title); {
	case !utf8.ValidString(title):
		return Invalid("title", "invalid", "must be UTF-8")
	case strings.IndexFunc(title, unicode.IsControl) >= 0:
		return Invalid("title", "invalid", "has a control character or a line break")
	case n > s.Limits.Title:
		return Invalid("title", "too_long", "has %d characters, and at most %d are taken", n, s.Limits.Title)
	}
	return nil
}

// isVisible: a character that by itself shows something. What this Go does not know yet counts, or the newest emoji would be refused.
func isVisible(r rune) bool {
	switch r {
	case '\u2800', // the empty Braille pattern
		'\uFFFC',     // stands for an object that is not there
		'\U0001D159': // a note without a head
		return false
	}
	return !unicode.IsSpace(r) && !unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point) // Hangul fillers among them
}

const maxClientID = 64

// checkClientID: none, or 1..64 of A-Z a-z 0-9 . _ -.
func checkClientID(id string) error {
	if len(id) > maxClientID {
		return Invalid("client_id", "too_long", "has %d characters, and at most %d are taken", len(id), maxClientID)
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return Invalid("client_id", "invalid", "takes only the characters A-Z a-z 0-9 . _ -")
		}
	}
	return nil
}
