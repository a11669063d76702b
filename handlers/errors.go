package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

// Codes of HTTP's own, beside those of the domain.
const (
	codeBadRequest           chat.Code = "bad_request" // not HTTP
	codeInvalidJSON          chat.Code = "invalid_json"
	codeMethodNotAllowed     chat.Code = "method_not_allowed"
	codeRequestTimeout       chat.Code = "request_timeout"
	codeTooLarge             chat.Code = "too_large"
	codeUnsupportedMediaType chat.Code = "unsupported_media_type"
	codeUpgradeRequired      chat.Code = "upgrade_required"
	codeHeadersTooLarge      chat.Code = "headers_too_large"
	codeInternal             chat.Code = "internal"
)

// kind is what all problems of one code have in common.
type kind struct {
	status int
	title  string
}

// kinds is the catalogue in HTTP's words.
var kinds = map[chat.Code]kind{
	codeBadRequest:              {http.StatusBadRequest, "Not a valid HTTP request"},
	codeInvalidJSON:             {http.StatusBadRequest, "Not one valid JSON value"},
	chat.CodeUnauthenticated:    {http.StatusUnauthorized, "No live token"},
	chat.CodeInvalidCredentials: {http.StatusUnauthorized, "Wrong username or password"},
	chat.CodeForbidden:          {http.StatusForbidden, "Not allowed"},
	chat.CodeBlocked:            {http.StatusForbidden, "Blocked"},
	chat.CodeWrongPassword:      {http.StatusForbidden, "Wrong password"},
	chat.CodeUserGone:           {http.StatusForbidden, "The other user is gone"},
	chat.CodeDirectChat:         {http.StatusForbidden, "Not possible in a direct chat"},
	chat.CodeNotFound:           {http.StatusNotFound, "Not found"},
	codeMethodNotAllowed:        {http.StatusMethodNotAllowed, "Method not allowed"},
	codeRequestTimeout:          {http.StatusRequestTimeout, "The request took too long to arrive"},
	chat.CodeUsernameTaken:      {http.StatusConflict, "The username is taken"},
	chat.CodeClientIDReused:     {http.StatusConflict, "The client_id stands for something else"},
	chat.CodeMessageDeleted:     {http.StatusConflict, "The message was deleted"},
	chat.CodeLimitReached:       {http.StatusConflict, "A list is full"},
	codeTooLarge:                {http.StatusRequestEntityTooLarge, "The body is too large"},
	codeUnsupportedMediaType:    {http.StatusUnsupportedMediaType, "The body is not application/json"},
	chat.CodeValidation:         {http.StatusUnprocessableEntity, "Fields or parameters are wrong"},
	codeUpgradeRequired:         {http.StatusUpgradeRequired, "WebSocket only"},
	chat.CodeRateLimited:        {http.StatusTooManyRequests, "Too many requests"},
	codeHeadersTooLarge:         {http.StatusRequestHeaderFieldsTooLarge, "The headers are too large"},
	codeInternal:                {http.StatusInternalServerError, "A defect of the server"},
	chat.CodeUnavailable:        {http.StatusServiceUnavailable, "A part of the server is down"},
}

func refuse(code chat.Code, format string, args ...any) error {
	return &chat.Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// tooMany is CodeRateLimited with the time after which it is worth trying again.
type tooMany struct {
	error
	after time.Duration
}

func (t tooMany) Unwrap() error { return t.error }

// answerError is Fiber's ErrorHandler: it answers, and logs what the caller is not to see.
func (a *api) answerError(c *fiber.Ctx, err error) error {
	refusal := asRefusal(err)
	if kinds[refusal.Code].status >= http.StatusInternalServerError {
		a.logFailure(c, refusal.Code, err)
	}
	var limited tooMany
	if errors.As(err, &limited) {
		setRetryAfter(&c.Response().Header, limited.after)
	}
	writeProblem(c.Context(), refusal)
	return nil
}

func (a *api) logFailure(c *fiber.Ctx, code chat.Code, err error) {
	level := slog.LevelError
	if code == chat.CodeUnavailable {
		level = slog.LevelWarn
	}
	route, _ := c.Locals(routeKey).(string)
	a.Log.Log(c.UserContext(), level, "request failed", "code", string(code), "method", c.Method(), "route", route,
		"error", err.Error(), "request_id", requestID(c.Context()))
}

// asRefusal finds the domain's word for any error. What has none is a defect, and what it says stays in the log.
func asRefusal(err error) *chat.Error {
	var refusal *chat.Error
	if errors.As(err, &refusal) {
		if _, known := kinds[refusal.Code]; known {
			return refusal
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &chat.Error{Code: chat.CodeUnavailable, Detail: "The server could not finish in time. Try again in a few seconds."}
	}
	var ofFiber *fiber.Error
	if errors.As(err, &ofFiber) {
		if code, known := codeOf(ofFiber.Code); known {
			return &chat.Error{Code: code, Detail: detailOf[code]}
		}
	}
	return &chat.Error{Code: codeInternal, Detail: "Something went wrong in the server. Its log has the cause under this X-Request-Id."}
}

// detailOf are the words for what Fiber and fasthttp refuse; theirs echo the request.
var detailOf = map[chat.Code]string{
	codeBadRequest:           "The request could not be read.",
	chat.CodeUnauthenticated: "Send one header Authorization: Bearer TOKEN.",
	chat.CodeForbidden:       "You may not do this.",
	chat.CodeNotFound:        "There is nothing at this path.",
	codeMethodNotAllowed:     "This path does not take this method.",
	codeRequestTimeout:       "The request did not arrive in time.",
	codeTooLarge:             fmt.Sprintf("A body has at most %d KiB.", maxBody>>10),
	codeUnsupportedMediaType: "Send the body with Content-Type: application/json.",
	codeUpgradeRequired:      "Connect with a WebSocket client.",
	codeHeadersTooLarge:      fmt.Sprintf("The request line and headers have at most %d KiB together.", maxHeaders>>10),
	chat.CodeRateLimited:     "These are too many requests. Wait for Retry-After seconds.",
	chat.CodeUnavailable:     "A part of the server is down. Try again in a few seconds.",
}

// codeOf finds the code for a bare status.
func codeOf(status int) (chat.Code, bool) {
	for code := range detailOf {
		if kinds[code].status == status {
			return code, true
		}
	}
	if status >= 400 && status < 500 {
		return codeBadRequest, true
	}
	return "", false
}
