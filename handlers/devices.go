package handlers

import (
	"encoding/base64"
	"net/http"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

func (a *api) devices(c *fiber.Ctx) error {
	devices, err := a.Service.Devices(c.UserContext(), caller(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"devices": list(devices)})
}

func (a *api) putDevice(c *fiber.Ctx) error {
	in := body(c)
	n := chat.NewDevice{ID: c.Params("device_id"), Kind: in.text("kind")}
	switch n.Kind {
	case chat.KindFCM:
		n.Token = in.text("token")
	case chat.KindWebPush:
		n.Endpoint = in.text("endpoint")
		in.unfold("keys")
		n.P256dh, n.Auth = in.text("keys.p256dh"), in.text("keys.auth")
	default:
		in.left = nil // which fields there are depends on the kind, and of that the domain complains
	}
	if err := in.err(); err != nil {
		return err
	}
	device, isNew, err := a.Service.PutDevice(c.UserContext(), caller(c), n)
	if err != nil {
		return err
	}
	return c.Status(createdIf(isNew)).JSON(device)
}

func (a *api) removeDevice(c *fiber.Ctx) error {
	id := c.Params("device_id")
	if err := noFields(c); err != nil {
		return err
	}
	if err := chat.CheckDeviceID(id); err != nil {
		return err
	}
	if err := a.Service.RemoveDevice(c.UserContext(), callerID(c), id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// webPush tells browsers what to subscribe with: the applicationServerKey of the Push API.
func (a *api) webPush(c *fiber.Ctx) error {
	key, err := a.Service.WebPushKey(c.UserContext())
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"public_key": base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes())})
}
