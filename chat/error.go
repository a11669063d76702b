package chat

import (
	"errors"
	"fmt"
	"strings"
)

// Code is a stable word for programs: what went wrong, in the domain's words. Protocols translate it, each in one place.
type Code string

// The catalogue. The handlers' problem table holds the HTTP status of each.
const (
	CodeUnauthenticated    Code = "unauthenticated"     // no live token
	CodeInvalidCredentials Code = "invalid_credentials" // login: wrong name or password, never which
	CodeForbidden          Code = "forbidden"           // one may know of it, but not do it
	CodeBlocked            Code = "blocked"             // one of the two blocked the other
	CodeWrongPassword      Code = "wrong_password"      // the password that confirms an account change
	CodeUserGone           Code = "user_gone"           // the other side of the direct chat deleted their account
	CodeDirectChat         Code = "direct_chat"         // a direct chat has no such operation
	CodeNotFound           Code = "not_found"           // not there, or one may not know that it is
	CodeUsernameTaken      Code = "username_taken"      // the canonical name belongs to somebody
	CodeClientIDReused     Code = "client_id_reused"    // the client_id stands for something else already
	CodeMessageDeleted     Code = "message_deleted"     // a deleted message is not edited
	CodeLimitReached       Code = "limit_reached"       // a list is full: friends, blocks, members, chats
	CodeValidation         Code = "validation_failed"   // Fields says what is wrong with which
	CodeUnavailable        Code = "unavailable"         // a part that this call needs is down; worth trying again
	CodeRateLimited        Code = "rate_limited"        // too many; worth trying again later
)

// Error is a refusal that the caller is told of. Detail says what happened, to which thing, and what to do about it.
type Error struct {
	Code   Code
	Detail string
	Fields []FieldError // for CodeValidation, at least one
	Err    error        // the cause, for the log only; may be nil
}

// FieldError says what is wrong with one field or parameter.
type FieldError struct {
	Field  string `json:"field"`
	Code   string `json:"code"` // required, type, unknown, too_short, too_long, blank, invalid, not_found, duplicate, conflict, out_of_range
	Detail string `json:"detail"`
}

// Error joins code, detail and cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Detail)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is says that two errors of the catalogue are the same when their codes are, so that errors.Is(err, ErrNotFound) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Detail == ""
}

// ErrNotFound matches every error with CodeNotFound.
var ErrNotFound = &Error{Code: CodeNotFound}

func refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid makes a CodeValidation error about one field.
func Invalid(field, code, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return &Error{Code: CodeValidation, Detail: field + ": " + detail, Fields: []FieldError{{field, code, detail}}}
}

// allInvalid joins CodeValidation errors, so that one answer names every field that is wrong; nil when none is.
func allInvalid(errs ...error) error {
	all := &Error{Code: CodeValidation}
	var details []string
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			all.Fields = append(all.Fields, e.Fields...)
			details = append(details, e.Detail)
		}
	}
	if len(all.Fields) == 0 {
		return nil
	}
	all.Detail = strings.Join(details, " ")
	return all
}
