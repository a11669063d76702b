package handlers

import (
	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

func (a *api) messages(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	q := query(c)
	page := chat.Page{Limit: q.limit(), Before: q.number("before", 1, maxID, 0), After: q.number("after", 0, maxID, 0), AfterSet: q.has("after")}
	version := q.number("changed_after", 0, maxID, 0)
	q.notBoth("before", "after")
	q.notBoth("changed_after", "before")
	q.notBoth("changed_after", "after")
	if err := q.err(); err != nil {
		return err
	}
	var found chat.MessagePage
	if q.has("changed_after") {
		found, err = a.Service.ChangedAfter(c.UserContext(), callerID(c), chatID, version, page.Limit)
	} else {
		found, err = a.Service.Messages(c.UserContext(), callerID(c), chatID, page)
	}
	if err != nil {
		return err
	}
	found.Messages = list(found.Messages)
	return c.JSON(found)
}

func (a *api) sendMessage(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	in := body(c)
	content, clientID := in.text("content"), in.optionalWord("client_id")
	if err := in.err(); err != nil {
		return err
	}
	message, isNew, err := a.Service.SendMessage(c.UserContext(), callerID(c), chatID, content, clientID)
	if err != nil {
		return err
	}
	return c.Status(createdIf(isNew)).JSON(message)
}

// changeMessage edits when there is content, and else deletes.
func (a *api) changeMessage(c *fiber.Ctx) error {
	chatID, messageID, err := pathIDs(c, "chat_id", "message_id")
	if err != nil {
		return err
	}
	content, edits, err := messageChange(c)
	if err != nil {
		return err
	}
	var message chat.Message
	if edits {
		message, err = a.Service.EditMessage(c.UserContext(), callerID(c), chatID, messageID, content)
	} else {
		message, err = a.Service.DeleteMessage(c.UserContext(), callerID(c), chatID, messageID)
	}
	if err != nil {
		return err
	}
	return c.JSON(message)
}

// messageChange reads no body or {"deleted": true}, which deletes, or {"content": …}, which edits. An empty object says neither, and
// is not taken for a deletion.
func messageChange(c *fiber.Ctx) (content string, edits bool, err error) {
	if len(c.Request().Body()) == 0 {
		return "", false, nil
	}
	in := body(c)
	if in.has("deleted") {
		if deleted := in.flag("deleted"); !deleted && !in.wrong.about("deleted") {
			in.wrong.add("deleted", "invalid", "This must be true. A deleted message stays deleted.")
		}
		if in.has("content") {
			_ = in.text("content")
			in.wrong.add("content", "conflict", "This cannot be together with deleted.")
		}
		return "", false, in.err()
	}
	content = in.text("content")
	return content, true, in.err()
}
