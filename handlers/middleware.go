package handlers

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/valyala/fasthttp"
)

// What a request carries from one step to the next.
const (
	routeKey   = "route"   // the path of its row in the table
	addressKey = "address" // the client's, a netip.Addr
)

// outermost gives each request its id, its headers, its recover, its answer when it was refused, and its line in the log.
func (a *api) outermost(c *fiber.Ctx) error {
	start := time.Now()
	address := a.clientAddress(c.Context())
	c.Locals(addressKey, address)
	setRequestID(c.Context())
	setSecurityHeaders(&c.Response().Header)
	if err := recovering(c); err != nil {
		if err := a.answerError(c, err); err != nil {
			return err
		}
	}
	a.logAccess(c, address.String(), time.Since(start))
	return nil
}

// recovering turns a panic into an error, with its stack for the log.
func recovering(c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return c.Next()
}

// inner refuses what should not be worked on at all.
func (a *api) inner(c *fiber.Ctx) error {
	if a.Ready != nil && !a.Ready() {
		return refuse(chat.CodeUnavailable, "This server is going away. Try again in a moment.")
	}
	if err := a.limits.perAddress(clientAddress(c)); err != nil {
		return err
	}
	return c.Next()
}

func (a *api) cors() fiber.Handler {
	return cors.New(cors.Config{
		AllowOrigins:  strings.Join(a.Origins, ","),
		AllowMethods:  "GET,POST,PUT,PATCH,DELETE",
		AllowHeaders:  "Authorization,Content-Type,Last-Event-ID,X-Request-Id",
		ExposeHeaders: "Retry-After,X-Request-Id",
		MaxAge:        600,
	})
}

var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// setRequestID takes over the id that a proxy gave, when it is fit for a log, or makes one.
func setRequestID(ctx *fasthttp.RequestCtx) {
	id := string(ctx.Request.Header.Peek(fiber.HeaderXRequestID))
	if !saneRequestID.MatchString(id) {
		id = rand.Text()
	}
	ctx.Response.Header.Set(fiber.HeaderXRequestID, id)
}

// setSecurityHeaders are those of the API's answers, which no browser is to render, keep or guess the type of. Pages set a
// Content-Security-Policy and Cache-Control of their own.
func setSecurityHeaders(h *fasthttp.ResponseHeader) {
	h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	h.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	h.Set(fiber.HeaderCacheControl, "no-store")
	h.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
}

// logAccess writes one line without anything secret: no header, no query (tickets), no body. The path is the route's pattern, as what
// stands in an unknown path may be anything.
func (a *api) logAccess(c *fiber.Ctx, address string, took time.Duration) {
	ctx := c.UserContext()
	if !a.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	route, _ := c.Locals(routeKey).(string)
	session, _ := c.Locals(sessionKey).(chat.Session)
	a.Log.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", c.Method()), slog.String("route", route), slog.Int("status", c.Response().StatusCode()),
		slog.Duration("took", took), slog.Int64("user", session.UserID), slog.String("address", address),
		slog.String("request_id", requestID(c.Context())))
}

func requestID(ctx *fasthttp.RequestCtx) string {
	return string(ctx.Response.Header.Peek(fiber.HeaderXRequestID))
}
