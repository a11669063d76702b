package handlers

import (
	"bytes"
	"encoding/json"
	"mime"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// readJSON gives the body once it is certain that every reader of JSON would read the same from it. encoding/json alone keeps the last of
// two fields with one name, and turns broken UTF-8 and lone surrogates into U+FFFD.
func readJSON(c *fiber.Ctx) ([]byte, error) {
	body := c.Request().Body() // c.Body() would unpack a Content-Encoding, past every limit
	if len(body) == 0 {
		return nil, refuse(codeInvalidJSON, "This call needs a body.")
	}
	if err := checkContentType(c); err != nil {
		return nil, err
	}
	switch {
	case !utf8.Valid(body):
		return nil, refuse(codeInvalidJSON, "The body is not UTF-8.")
	case !json.Valid(body): // which also bounds the depth, to 10,000
		return nil, refuse(codeInvalidJSON, "The body is not one JSON value.")
	case hasLoneSurrogate(body):
		return nil, refuse(codeInvalidJSON, "The body has half a character: the \\u escape of one surrogate without the other.")
	}
	if name, doubled := doubledName(json.NewDecoder(bytes.NewReader(body))); doubled {
		return nil, refuse(codeInvalidJSON, "The body has the name %q twice in one object.", short(name))
	}
	return body, nil
}

// checkContentType wants application/json. A web page of another origin cannot send that without being asked first (CORS).
func checkContentType(c *fiber.Ctx) error {
	mediaType, parameters, err := mime.ParseMediaType(string(c.Request().Header.ContentType()))
	charset, given := parameters["charset"]
	if err != nil || mediaType != fiber.MIMEApplicationJSON || given && !strings.EqualFold(charset, "utf-8") {
		return refuse(codeUnsupportedMediaType, "Send the body with Content-Type: application/json.")
	}
	if len(c.Request().Header.Peek(fiber.HeaderContentEncoding)) > 0 {
		return refuse(codeUnsupportedMediaType, "Send the body without a Content-Encoding.")
	}
	return nil
}

// hasLoneSurrogate looks at the escapes of valid JSON, where a backslash stands only in strings.
func hasLoneSurrogate(valid []byte) bool {
	for i := 0; i < len(valid); i++ {
		if valid[i] != '\\' {
			continue
		}
		if first, ok := unicodeEscape(valid[i:]); ok && utf16.IsSurrogate(first) {
			second, _ := unicodeEscape(valid[i+6:])
			if utf16.DecodeRune(first, second) == utf8.RuneError {
				return true
			}
			i += 10
		}
		i++ // over what the backslash escapes
	}
	return false
}

// unicodeEscape reads a \uXXXX at the start of valid JSON.
func unicodeEscape(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}

// doubledName reads one valid value and gives the first name that stands twice in one object, at any depth. Names are compared as they read,
// so that "a" is also "\u0061".
func doubledName(d *json.Decoder) (string, bool) {
	open, _ := d.Token()
	seen := map[string]bool{}
	switch open {
	case json.Delim('{'):
		for d.More() {
			token, _ := d.Token()
			name, _ := token.(string)
			if seen[name] {
				return name, true
			}
			seen[name] = true
			if inside, doubled := doubledName(d); doubled {
				return inside, true
			}
		}
	case json.Delim('['):
		for d.More() {
			if inside, doubled := doubledName(d); doubled {
				return inside, true
			}
		}
	default:
		return "", false
	}
	_, _ = d.Token() // the closing one
	return "", false
}
