package handlers

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// What a page has when ?limit is absent, and at most; how many ids one look-up may name.
const (
	defaultLimit = 50
	maxLimit     = 100
	maxLookUp    = 100
)

// parameters are those of a request's query, taken one by one by name. What is wrong is collected, as with fields; unknown ones
// are passed over, because proxies and browsers add their own.
type parameters struct {
	values url.Values
	wrong  complaints
}

func query(c *fiber.Ctx) *parameters {
	p := &parameters{}
	values, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		p.wrong.add("query", "invalid", "What follows the ? is not well percent-encoded.")
	}
	p.values = values
	return p
}

func (p *parameters) err() error { return p.wrong.err() }

// text is a parameter's value, and whether it is there.
func (p *parameters) text(name string) (string, bool) {
	given := p.values[name]
	switch {
	case len(given) == 0:
		return "", false
	case len(given) > 1:
		p.wrong.add(name, "duplicate", "This is there %d times.", len(given))
		return "", false
	case !utf8.ValidString(given[0]):
		p.wrong.add(name, "invalid", "This is not UTF-8.")
		return "", false
	}
	return given[0], true
}

// number is between lowest and highest, and absent when it is not there.
func (p *parameters) number(name string, lowest, highest, absent int64) int64 {
	text, given := p.text(name)
	if !given {
		return absent
	}
	n, ok := parseNumber(text)
	switch {
	case ok && lowest <= n && n <= highest:
		return n
	case text != "" && strings.Trim(strings.TrimPrefix(text, "-"), "0123456789") == "":
		p.wrong.add(name, "out_of_range", "This must be between %d and %d.", lowest, highest)
	default:
		p.wrong.add(name, "type", "This must be a whole number.")
	}
	return absent
}

func (p *parameters) limit() int { return int(p.number("limit", 1, maxLimit, defaultLimit)) }

// ids are numbers separated by commas.
func (p *parameters) ids(name string) (ids []int64) {
	text, given := p.text(name)
	if !given {
		return nil
	}
	items := strings.Split(text, ",")
	if len(items) > maxLookUp {
		p.wrong.add(name, "too_long", "These are %d ids. Ask for at most %d at once.", len(items), maxLookUp)
		return nil
	}
	for _, item := range items {
		id, ok := parseID(item)
		if !ok {
			p.wrong.add(name, "invalid", "These must be ids, separated by commas.")
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

func (p *parameters) has(name string) bool { return len(p.values[name]) > 0 }

// notBoth refuses two parameters that contradict each other.
func (p *parameters) notBoth(one, other string) {
	if p.has(one) && p.has(other) {
		p.wrong.add(one, "conflict", "This cannot be together with %s.", other)
	}
}
