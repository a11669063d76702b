package handlers

import (
	"fmt"
	"slices"

	"doran/chat"
)

// complaints collect what is wrong with a request's fields or parameters.
type complaints []chat.FieldError

func (w *complaints) add(field, code, format string, args ...any) {
	*w = append(*w, chat.FieldError{Field: field, Code: code, Detail: fmt.Sprintf(format, args...)})
}

func (w complaints) about(field string) bool {
	return slices.ContainsFunc(w, func(e chat.FieldError) bool { return e.Field == field })
}

// err is one refusal that names them all, or nil.
func (w complaints) err() error {
	if len(w) == 0 {
		return nil
	}
	detail := w[0].Field + ": " + w[0].Detail
	if more := len(w) - 1; more > 0 {
		detail += fmt.Sprintf(" (and %d more)", more)
	}
	return &chat.Error{Code: chat.CodeValidation, Detail: detail, Fields: w[:min(len(w), maxComplaints)]}
}

// maxComplaints bounds an answer: a small body has room for thousands of fields.
const maxComplaints = 20

// short cuts what a client sent to what is worth saying back.
func short(text string) string {
	if runes := []rune(text); len(runes) > 24 {
		return string(runes[:24]) + "…"
	}
	return text
}
