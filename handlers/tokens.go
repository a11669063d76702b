package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

func (a *api) logout(c *fiber.Ctx) error {
	if err := noFields(c); err != nil {
		return err
	}
	if err := a.Service.EndToken(c.UserContext(), caller(c), caller(c).TokenID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (a *api) tokens(c *fiber.Ctx) error {
	tokens, err := a.Service.Tokens(c.UserContext(), caller(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"tokens": list(tokens)})
}

func (a *api) endToken(c *fiber.Ctx) error {
	id, err := pathID(c, "token_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	if err := a.Service.EndToken(c.UserContext(), caller(c), id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
