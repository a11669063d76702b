package chat

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// The characters of a password in its canonical form.
const (
	minPassword = 8
	maxPassword = 128
)

// preparePassword is what is hashed: the password in the form that every keyboard and system makes the same (PRECIS OpaqueString,
// RFC 8265, 4.2). Nothing is trimmed or cut. CodeValidation on the field says what no password may be.
func preparePassword(field, typed string) (string, error) {
	if utf8.RuneCountInString(typed) > 4*maxPassword { // a letter in its decomposed form is some characters
		return "", Invalid(field, "too_long", "A password has at most %d characters.", maxPassword)
	}
	if typed == "" {
		return "", Invalid(field, "required", "A password has %d to %d characters.", minPassword, maxPassword)
	}
	prepared, err := precis.OpaqueString.String(typed)
	if err != nil || !utf8.ValidString(typed) {
		return "", Invalid(field, "invalid", "A password has no control characters, invisible characters or characters that Unicode does not know.")
	}
	switch n := utf8.RuneCountInString(prepared); {
	case n < minPassword:
		return "", Invalid(field, "too_short", "A password has at least %d characters.", minPassword)
	case n > maxPassword:
		return "", Invalid(field, "too_long", "A password has at most %d characters.", maxPassword)
	}
	return prepared, nil
}

// argon is what a hash costs.
type argon struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// passwordCost is the first choice of OWASP's Password Storage Cheat Sheet: some 30 ms and 19 MiB for each hash.
var passwordCost = argon{memory: 19456, time: 2, threads: 1}

const saltLength, keyLength = 16, 32

// passwordHash is argon2id in the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY.
type passwordHash struct {
	argon
	salt, key []byte
}

func newPasswordHash(prepared string) passwordHash {
	h := passwordHash{argon: passwordCost, salt: make([]byte, saltLength)}
	_, _ = rand.Read(h.salt) // never fails
	h.key = h.derive(prepared, keyLength)
	return h
}

// decoy is a hash of no password, which costs as much to compare with as a new one.
func decoy() passwordHash {
	return passwordHash{argon: passwordCost, salt: make([]byte, saltLength), key: nil}
}

func (h passwordHash) derive(prepared string, length uint32) []byte {
	return argon2.IDKey([]byte(prepared), h.salt, h.time, h.memory, h.threads, length)
}

// matches takes the same time whatever the answer is.
func (h passwordHash) matches(prepared string) bool {
	if len(h.key) == 0 {
		h.derive(prepared, keyLength)
		return false
	}
	return subtle.ConstantTimeCompare(h.derive(prepared, uint32(len(h.key))), h.key) == 1
}

// isWeak says whether the hash is to be made anew, as hashes cost more by now.
func (h passwordHash) isWeak() bool {
	return h.memory < passwordCost.memory || h.time < passwordCost.time
}

var phc = base64.RawStdEncoding.Strict()

func (h passwordHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		phc.EncodeToString(h.salt), phc.EncodeToString(h.key))
}

// parsePasswordHash refuses parameters that are out of bounds: whoever can write to the database is not to make a login take
// gigabytes.
func parsePasswordHash(s string) (h passwordHash, err error) {
	const maxMemory, maxTime, maxThreads, maxBytes = 256 << 10, 16, 16, 64
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return h, errors.New("a password hash has another form than $argon2id$v$cost$salt$key")
	}
	_, errCost := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads)
	salt, errSalt := phc.DecodeString(parts[4])
	key, errKey := phc.DecodeString(parts[5])
	h.salt, h.key = salt, key
	if err := errors.Join(errCost, errSalt, errKey); err != nil {
		return h, fmt.Errorf("a password hash cannot be read: %w", err)
	}
	if h.String() != s {
		return h, errors.New("a password hash is of another kind than this argon2id")
	}
	if h.memory < 8 || h.memory > maxMemory || h.time < 1 || h.time > maxTime || h.threads < 1 || h.threads > maxThreads ||
		len(h.salt) < 8 || len(h.salt) > maxBytes || len(h.key) < 16 || len(h.key) > maxBytes {
		return h, errors.New("the parameters of a password hash are out of bounds")
	}
	return h, nil
}
