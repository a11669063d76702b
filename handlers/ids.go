package handlers

import (
	"strconv"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

// maxID is the largest number that every reader of JSON has exactly (RFC 8259, section 6).
const maxID = 1<<53 - 1

// parseNumber reads plain decimal digits, "0" or without a leading zero, up to maxID.
func parseNumber(text string) (int64, bool) {
	for _, r := range text {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n <= maxID && (text[0] != '0' || n == 0 && len(text) == 1)
}

func parseID(text string) (int64, bool) {
	n, ok := parseNumber(text)
	return n, ok && n > 0
}

// pathID is an id of the path. What is no id names nothing: 404.
func pathID(c *fiber.Ctx, name string) (int64, error) {
	id, ok := parseID(c.Params(name))
	if !ok {
		return 0, refuse(chat.CodeNotFound, "The %s in the path is not a positive number below 2^53.", name)
	}
	return id, nil
}

// pathIDs are two ids of the path.
func pathIDs(c *fiber.Ctx, first, second string) (int64, int64, error) {
	a, err := pathID(c, first)
	if err != nil {
		return 0, 0, err
	}
	b, err := pathID(c, second)
	return a, b, err
}
