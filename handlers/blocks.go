package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

func (a *api) blocks(c *fiber.Ctx) error {
	blocked, err := a.Service.Blocks(c.UserContext(), callerID(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"blocks": list(blocked)})
}

func (a *api) block(c *fiber.Ctx) error {
	targetID, err := pathID(c, "target_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	target, isNew, err := a.Service.Block(c.UserContext(), callerID(c), targetID)
	if err != nil {
		return err
	}
	return c.Status(createdIf(isNew)).JSON(target)
}

func (a *api) unblock(c *fiber.Ctx) error {
	targetID, err := pathID(c, "target_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	if err := a.Service.Unblock(c.UserContext(), callerID(c), targetID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
