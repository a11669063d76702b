// Package handlers is the HTTP API over [chat.Service]: routes.go is the table of all URLs, errors.go turns what was refused
// into problems, and each noun has a file. A handler has one rhythm: decode, call the domain, respond; it returns its error.
//
// The package knows nothing of how events are delivered: the realtime endpoints come in as [Endpoints].
package handlers

import (
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

// Config is what the HTTP API is made of. Only Service is needed.
type Config struct {
	Service        *chat.Service
	Realtime       Endpoints
	Limits         Limits        // the zero value limits nothing
	Origins        []string      // that browsers may come from besides the own host, as "https://chat.example"
	TrustedProxies []string      // addresses and CIDRs whose X-Forwarded-For counts; New panics at one that is neither
	Web            fs.FS         // the files of the web client, served at the root; nil: none
	Log            *slog.Logger  // slog.Default() when nil
	Ready          func() bool   // while it says false, every request is answered 503; nil: always ready
	Timeout        time.Duration // of one request's work, polls excepted; 2.5 s when 0
}

// Endpoints are what another package serves under the paths that routes.go gives them. A nil one has no route. They refuse by returning
// a [*chat.Error] or a [*fiber.Error], which becomes a problem like everybody's.
//
// WebSocket, Poll, SSE and Ticket find out on their own who calls, as two of them take tickets and subprotocols too. Their
// c.UserContext() has no deadline: a socket or a stream outlives its handler. The others are called with the
// caller's [chat.Session] in c.Locals("session").
type Endpoints struct {
	WebSocket, Poll, SSE, Ticket fiber.Handler
	MQTTGrant, MQTTRevoke        fiber.Handler
	DeviceLog                    fiber.Handler
}

// What a request may take. A body that is larger is 413, headers that are larger are 431.
const (
	maxBody    = 64 << 10
	maxHeaders = 8 << 10
)

// defaultTimeout keeps the promise that a database which does not answer is a 503 in under three seconds.
const defaultTimeout = 2500 * time.Millisecond

type api struct {
	Config
	limits  *limiter
	proxies []netip.Prefix
}

// New makes the application; the caller listens and shuts down.
func New(config Config) *fiber.App {
	if config.Log == nil {
		config.Log = slog.Default()
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	a := &api{Config: config, limits: newLimiter(config.Limits), proxies: mustPrefixes(config.TrustedProxies)}
	app := fiber.New(a.fiberConfig())
	a.prepareServer(app.Server())
	app.Use(a.outermost)
	if len(a.Origins) > 0 {
		app.Use(a.cors())
	}
	app.Use(a.inner)
	register(app, slices.Concat(a.routes(), a.files()), a.serve)
	return app
}
