package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

func (a *api) friends(c *fiber.Ctx) error {
	friends, err := a.Service.Friends(c.UserContext(), callerID(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"friends": list(friends)})
}

// addFriend also removes, when the body says so.
func (a *api) addFriend(c *fiber.Ctx) error {
	friendID, err := pathID(c, "friend_id")
	if err != nil {
		return err
	}
	in := optionalBody(c)
	action := in.optionalWord("action")
	if action != "" && action != "add" && action != "remove" {
		in.wrong.add("action", "invalid", `This must be "add" or "remove".`)
	}
	if err := in.err(); err != nil {
		return err
	}
	if action == "remove" {
		return a.endFriendship(c, friendID)
	}
	friend, isNew, err := a.Service.AddFriend(c.UserContext(), callerID(c), friendID)
	if err != nil {
		return err
	}
	return c.Status(createdIf(isNew)).JSON(friend)
}

func (a *api) removeFriend(c *fiber.Ctx) error {
	friendID, err := pathID(c, "friend_id")
	if err != nil {
		return err
	}
	if err := noFields(c); err != nil {
		return err
	}
	return a.endFriendship(c, friendID)
}

func (a *api) endFriendship(c *fiber.Ctx, friendID int64) error {
	if err := a.Service.RemoveFriend(c.UserContext(), callerID(c), friendID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
