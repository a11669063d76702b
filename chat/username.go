package chat

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// The characters of a name, as typed and in its canonical form.
const (
	minUsername = 2
	maxUsername = 32
)

// usernameKey is the canonical form of a name, which belongs to one user: `Ｂob`, `BOB` and `bob` are one name
// (PRECIS UsernameCaseMapped, RFC 8265, 3.3). CodeValidation says what no name may be.
func usernameKey(typed string) (string, error) {
	if err := checkUsernameLength(typed); err != nil {
		return "", err
	}
	key, err := precis.UsernameCaseMapped.String(typed)
	switch {
	case err != nil || !utf8.ValidString(typed):
		return "", Invalid("username", "invalid", "Letters and digits of any script and the signs of ASCII make a name; spaces, emoji and invisible characters do not.")
	case !isCanonical(key):
		// A form that changes again is how one account took over another at Spotify in 2013.
		return "", Invalid("username", "invalid", "This spelling has no one canonical form. Use another spelling.")
	case hasInvisible(key):
		return "", Invalid("username", "invalid", "A name has no invisible joiners and does not begin with a combining mark.")
	case mixesLookalikes(key):
		return "", Invalid("username", "invalid", "A name does not mix Latin, Greek and Cyrillic letters, which look alike.")
	}
	if err := checkUsernameLength(key); err != nil {
		return "", err
	}
	return key, nil
}

func checkUsernameLength(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return Invalid("username", "required", "A name has %d to %d characters.", minUsername, maxUsername)
	case n < minUsername:
		return Invalid("username", "too_short", "A name has at least %d characters.", minUsername)
	case n > maxUsername:
		return Invalid("username", "too_long", "A name has at most %d characters.", maxUsername)
	}
	return nil
}

// isCanonical says whether the form stays as it is when it is made canonical again.
func isCanonical(key string) bool {
	again, err := precis.UsernameCaseMapped.String(key)
	return err == nil && again == key
}

// hasInvisible finds what PRECIS allows and nobody sees: joiners between letters, and a mark that would
// stand over whatever is shown before the name.
func hasInvisible(key string) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	for i, r := range key {
		if r == zeroWidthNonJoiner || r == zeroWidthJoiner || i == 0 && unicode.Is(unicode.M, r) {
			return true
		}
	}
	return false
}

// mixesLookalikes finds the oldest trick: a Cyrillic о in a Latin name. Other scripts stand beside Latin freely.
func mixesLookalikes(key string) bool {
	found := 0
	for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic} {
		for _, r := range key {
			if unicode.Is(script, r) {
				found++
				break
			}
		}
	}
	return found > 1
}
