package handlers

import (
	"context"
	"net/http"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

func (a *api) signUp(c *fiber.Ctx) error {
	in := body(c)
	username, password, device := in.text("username"), in.text("password"), in.optionalText("device")
	if err := in.err(); err != nil {
		return err
	}
	signedIn, err := a.Service.SignUp(c.UserContext(), username, password, device)
	if err != nil {
		return err
	}
	a.limits.loggedIn(username, clientAddress(c))
	return c.Status(http.StatusCreated).JSON(signedIn)
}

func (a *api) login(c *fiber.Ctx) error {
	in := body(c)
	username, password, device := in.text("username"), in.text("password"), in.optionalText("device")
	if err := in.err(); err != nil {
		return err
	}
	if err := a.limits.loginTo(c.UserContext(), username, clientAddress(c)); err != nil {
		return err
	}
	signedIn, err := a.Service.Login(c.UserContext(), username, password, device)
	if err != nil {
		return err
	}
	a.limits.loggedIn(username, clientAddress(c))
	return c.JSON(signedIn)
}

func (a *api) changePassword(c *fiber.Ctx) error {
	in := body(c)
	oldPassword, newPassword := in.text("old_password"), in.text("new_password")
	if err := in.err(); err != nil {
		return err
	}
	signedIn, err := a.Service.ChangePassword(c.UserContext(), caller(c), oldPassword, newPassword)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"token": signedIn.Token, "expires_at": signedIn.ExpiresAt})
}

func (a *api) findUsers(c *fiber.Ctx) error {
	q := query(c)
	name, named := q.text("username")
	ids := q.ids("user_id")
	q.notBoth("username", "user_id")
	if !q.has("username") && !q.has("user_id") {
		q.wrong.add("username", "required", "Ask for one username, or for user_id.")
	}
	if err := q.err(); err != nil {
		return err
	}
	find := func(ctx context.Context) ([]chat.User, error) { return a.Service.Users(ctx, ids) }
	if named {
		find = func(ctx context.Context) ([]chat.User, error) { return a.Service.UsersNamed(ctx, name) }
	}
	users, err := find(c.UserContext())
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"users": list(users)})
}

func (a *api) user(c *fiber.Ctx) error {
	id, err := pathID(c, "user_id")
	if err != nil {
		return err
	}
	user, err := a.Service.User(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.JSON(user)
}

func (a *api) me(c *fiber.Ctx) error {
	me, err := a.Service.Me(c.UserContext(), callerID(c))
	if err != nil {
		return err
	}
	return c.JSON(me)
}

func (a *api) changeMe(c *fiber.Ctx) error {
	in := body(c)
	presence := in.flag("presence")
	if err := in.err(); err != nil {
		return err
	}
	me, err := a.Service.SetPresence(c.UserContext(), callerID(c), presence)
	if err != nil {
		return err
	}
	return c.JSON(me)
}

// timeToLeave is for an account in thousands of chats, each of which it leaves.
const timeToLeave = 30 * time.Second

func (a *api) deleteMe(c *fiber.Ctx) error {
	in := body(c)
	password := in.text("password")
	if err := in.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), max(timeToLeave, a.Timeout))
	defer cancel()
	if err := a.Service.DeleteAccount(ctx, caller(c), password); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
