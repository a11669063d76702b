package handlers

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// problem is the body of every refusal (RFC 9457). Its type is a place in the documentation.
type problem struct {
	Type   string            `json:"type"`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Detail string            `json:"detail"`
	Code   chat.Code         `json:"code"`
	Errors []chat.FieldError `json:"errors,omitempty"`
}

// writeProblem answers, also where no middleware ran: fasthttp reports requests that it cannot read in a bare context.
func writeProblem(ctx *fasthttp.RequestCtx, err error) {
	refusal := asRefusal(err)
	k := kinds[refusal.Code]
	h := &ctx.Response.Header
	if len(h.Peek(fiber.HeaderXRequestID)) == 0 {
		setRequestID(ctx)
	}
	setSecurityHeaders(h)
	switch k.status {
	case http.StatusUnauthorized:
		h.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if len(h.Peek(fiber.HeaderRetryAfter)) == 0 {
			setRetryAfter(h, time.Second)
		}
	case http.StatusUpgradeRequired:
		h.Set(fiber.HeaderConnection, "Upgrade") // RFC 9110, 7.8: who sends Upgrade sends this as well
		h.Set(fiber.HeaderUpgrade, "websocket")
	}
	body, _ := json.Marshal(problemOf(refusal))
	h.SetContentType("application/problem+json")
	ctx.SetStatusCode(k.status)
	ctx.SetBody(body)
}

func problemOf(refusal *chat.Error) problem {
	k := kinds[refusal.Code]
	return problem{Type: "/docs#" + string(refusal.Code), Title: k.title, Status: k.status, Detail: refusal.Detail, Code: refusal.Code, Errors: refusal.Fields}
}

func setRetryAfter(h *fasthttp.ResponseHeader, after time.Duration) {
	h.Set(fiber.HeaderRetryAfter, strconv.Itoa(seconds(after)))
}

// seconds are rounded up, so that who comes back at the very second is let in.
func seconds(wait time.Duration) int { return max(1, int(math.Ceil(wait.Seconds()))) }
