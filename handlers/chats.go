package handlers

import (
	"net/http"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

func (a *api) chats(c *fiber.Ctx) error {
	q := query(c)
	page := chat.Page{Limit: q.limit(), After: q.number("after", 0, maxID, 0), AfterSet: q.has("after")}
	page.Next, _ = q.text("next")
	q.notBoth("next", "after")
	if q.has("next") && page.Next == "" && !q.wrong.about("next") {
		q.wrong.add("next", "invalid", "This is empty. Leave it out for the first page.")
	}
	if err := q.err(); err != nil {
		return err
	}
	chats, err := a.Service.Chats(c.UserContext(), callerID(c), page)
	if err != nil {
		return err
	}
	chats.Chats = list(chats.Chats)
	return c.JSON(chats)
}

func (a *api) createChat(c *fiber.Ctx) error {
	in := body(c)
	n := chat.NewChat{UserIDs: in.ids("user_ids"), Kind: in.optionalWord("kind"), Title: in.optionalText("title"), ClientID: in.optionalWord("client_id")}
	if err := in.err(); err != nil {
		return err
	}
	created, isNew, err := a.Service.CreateChat(c.UserContext(), callerID(c), n)
	if err != nil {
		return err
	}
	return c.Status(createdIf(isNew)).JSON(created)
}

func (a *api) chat(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	found, err := a.Service.Chat(c.UserContext(), callerID(c), chatID)
	if err != nil {
		return err
	}
	return c.JSON(found)
}

func (a *api) changeChat(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	in := body(c)
	title := in.text("title")
	if err := in.err(); err != nil {
		return err
	}
	changed, err := a.Service.SetTitle(c.UserContext(), callerID(c), chatID, title)
	if err != nil {
		return err
	}
	return c.JSON(changed)
}

func (a *api) deleteChat(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	if err := a.Service.DeleteChat(c.UserContext(), callerID(c), chatID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (a *api) typing(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	if err := a.Service.SendTyping(c.UserContext(), callerID(c), chatID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
