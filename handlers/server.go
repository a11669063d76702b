package handlers

import (
	"io"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// fiberConfig says on purpose what Fiber and fasthttp would else decide by default.
func (a *api) fiberConfig() fiber.Config {
	return fiber.Config{
		DisableStartupMessage: true,
		ErrorHandler:          a.answerError, // the default one shows err.Error() to the client
		CaseSensitive:         true,
		StrictRouting:         true, // both forms of each path are registered; without it "/chats///" would be one more
		Immutable:             true, // strings of a request stay valid after it
		BodyLimit:             maxBody,
		ReadBufferSize:        maxHeaders, // fasthttp's bound on headers is the size of its read buffer

		// A parked poll (60 s) is touched by none of these: ReadTimeout ends when the request was read, WriteTimeout begins
		// when the handler returned, IdleTimeout counts between requests and is above the 60 s after which most balancers
		// let go. A stream that writes for longer than WriteTimeout renews it: c.Context().SetWriteDeadline.
		ReadTimeout:  15 * time.Second,
		WriteTimeout: 30 * time.Second,
		IdleTimeout:  75 * time.Second,

		// A parked poll gives its buffers back: 9.3 KB instead of 13.5 KB, measured.
		ReduceMemoryUsage: true,

		// Host and scheme that a proxy forwards count only when it is one of ours; addresses are taken by address.go.
		EnableTrustedProxyCheck: true,
		TrustedProxies:          a.TrustedProxies,
	}
}

// prepareServer settles what Fiber has no setting for. KeepHijackedConns stays off: whoever takes a connection over may only
// return when done with it, and fasthttp closes it then, whatever happened.
func (a *api) prepareServer(server *fasthttp.Server) {
	server.SecureErrorLogMessage = true // else its errors hold pieces of requests
	server.CloseOnShutdown = true       // tells clients with "Connection: close" to come back elsewhere
	server.DisablePreParseMultipartForm = true

	report := server.ErrorHandler
	server.ErrorHandler = func(ctx *fasthttp.RequestCtx, err error) {
		report(ctx, err)
		closeSlowly(ctx)
	}
	known := server.Handler
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		if knownMethod(string(ctx.Method())) {
			known(ctx)
			return
		}
		// Fiber would answer in plain text before any middleware.
		ctx.Response.Header.Set(fiber.HeaderAllow, "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
		writeProblem(ctx, refuse(codeMethodNotAllowed, "There is no such method."))
	}
}

// closeSlowly answers a request that was not read to its end, and then waits for the client to be done with it. fasthttp would close at once; closing
// with something unread resets the connection, and the client sees that instead of the answer (RFC 9112, 9.6). What
// fasthttp writes itself afterwards goes nowhere.
func closeSlowly(ctx *fasthttp.RequestCtx) {
	conn, ok := ctx.Conn().(interface {
		net.Conn
		CloseWrite() error
	})
	if !ok {
		return
	}
	ctx.SetConnectionClose()
	if _, err := ctx.Response.WriteTo(conn); err != nil || conn.CloseWrite() != nil {
		return
	}
	const most, patience = 64 << 20, 2 * time.Second
	if conn.SetReadDeadline(time.Now().Add(patience)) == nil {
		_, _ = io.CopyN(io.Discard, conn, most)
	}
}
