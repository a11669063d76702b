package handlers

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

// fields are those of a request's body, taken one by one by name and type. What is wrong is collected, so that one answer names all of it:
// when everything was taken, err gives it, with the fields that nobody asked for.
type fields struct {
	left   map[string]json.RawMessage
	failed error // the body itself is no good
	wrong  complaints
}

// body are the fields of a body that must be there.
func body(c *fiber.Ctx) *fields {
	raw, err := readJSON(c)
	f := &fields{failed: err}
	switch {
	case err != nil:
	case bytes.TrimLeft(raw, " \t\r\n")[0] != '{':
		f.failed = chat.Invalid("body", "type", "The body must be an object.")
	default:
		f.failed = json.Unmarshal(raw, &f.left)
	}
	return f
}

// optionalBody are the fields of a body that may be missing; none then.
func optionalBody(c *fiber.Ctx) *fields {
	if len(c.Request().Body()) == 0 {
		return &fields{}
	}
	return body(c)
}

// noFields refuses a body that says anything.
func noFields(c *fiber.Ctx) error { return optionalBody(c).err() }

func (f *fields) err() error {
	if f.failed != nil {
		return f.failed
	}
	for _, name := range slices.Sorted(maps.Keys(f.left)) {
		f.wrong.add(short(name), "unknown", "This call has no such field.")
	}
	return f.wrong.err()
}

func (f *fields) has(name string) bool { return f.left[name] != nil }

func (f *fields) take(name string) (json.RawMessage, bool) {
	raw, ok := f.left[name]
	delete(f.left, name)
	return raw, ok
}

// required takes a field; that it is missing is wrong.
func (f *fields) required(name string) (json.RawMessage, bool) {
	raw, ok := f.take(name)
	if !ok {
		f.wrong.add(name, "required", "This field is needed.")
	}
	return raw, ok
}

func (f *fields) text(name string) string {
	raw, ok := f.required(name)
	return f.string(name, raw, ok)
}

// optionalText is "" when it is missing.
func (f *fields) optionalText(name string) string {
	raw, ok := f.take(name)
	return f.string(name, raw, ok)
}

// optionalWord is an optionalText that, where present, is not empty.
func (f *fields) optionalWord(name string) string {
	present := f.has(name)
	word := f.optionalText(name)
	if present && word == "" && !f.wrong.about(name) {
		f.wrong.add(name, "too_short", "This is empty. Leave it out instead.")
	}
	return word
}

func (f *fields) string(name string, raw json.RawMessage, ok bool) (text string) {
	if ok && (raw[0] != '"' || json.Unmarshal(raw, &text) != nil) {
		f.wrong.add(name, "type", "This must be a string.")
	}
	return text
}

func (f *fields) flag(name string) bool {
	raw, ok := f.required(name)
	value := string(raw)
	if ok && value != "true" && value != "false" {
		f.wrong.add(name, "type", "This must be true or false.")
	}
	return value == "true"
}

// unfold puts the fields of an object in its place, by names such as "keys.auth".
func (f *fields) unfold(name string) {
	for other := range f.left {
		if strings.HasPrefix(other, name+".") {
			f.wrong.add(short(other), "unknown", "This call has no such field.")
			delete(f.left, other)
		}
	}
	raw, ok := f.take(name)
	inner := map[string]json.RawMessage{}
	if ok && (raw[0] != '{' || json.Unmarshal(raw, &inner) != nil) {
		f.wrong.add(name, "type", "This must be an object.")
	}
	for field, value := range inner {
		f.left[name+"."+field] = value
	}
}

func (f *fields) ids(name string) (ids []int64) {
	raw, ok := f.required(name)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		f.wrong.add(name, "type", "This must be an array of ids.")
		return nil
	}
	for _, item := range items {
		id, ok := parseID(string(item))
		switch {
		case ok:
			ids = append(ids, id)
		case strings.Trim(string(item), "-0123456789") == "":
			f.wrong.add(name, "out_of_range", "%s is not a positive number below 2^53.", short(string(item)))
		default:
			f.wrong.add(name, "type", "Every item must be an id: a number without point or exponent.")
		}
		if !ok {
			return nil
		}
	}
	return ids
}
