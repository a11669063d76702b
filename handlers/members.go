package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

func (a *api) members(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	members, err := a.Service.Members(c.UserContext(), callerID(c), chatID)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"users": list(members)})
}

func (a *api) addMember(c *fiber.Ctx) error {
	chatID, targetID, err := pathIDs(c, "chat_id", "user_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	member, isNew, err := a.Service.AddMember(c.UserContext(), callerID(c), chatID, targetID)
	if err != nil {
		return err
	}
	return c.Status(createdIf(isNew)).JSON(member)
}

func (a *api) removeMember(c *fiber.Ctx) error {
	chatID, targetID, err := pathIDs(c, "chat_id", "user_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	if err := a.Service.RemoveMember(c.UserContext(), callerID(c), chatID, targetID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (a *api) changeMember(c *fiber.Ctx) error {
	chatID, err := pathID(c, "chat_id")
	if err != nil {
		return err
	}
	in := body(c)
	muted := in.flag("muted")
	if err := in.err(); err != nil {
		return err
	}
	member, err := a.Service.SetMuted(c.UserContext(), callerID(c), chatID, muted)
	if err != nil {
		return err
	}
	return c.JSON(member)
}

func (a *api) markRead(c *fiber.Ctx) error {
	chatID, messageID, err := pathIDs(c, "chat_id", "message_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	read, err := a.Service.MarkRead(c.UserContext(), callerID(c), chatID, messageID)
	if err != nil {
		return err
	}
	return c.JSON(read)
}
