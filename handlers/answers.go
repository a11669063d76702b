package handlers

import "net/http"

// createdIf is 201 for what is new and 200 for what was there already.
func createdIf(isNew bool) int {
	if isNew {
		return http.StatusCreated
	}
	return http.StatusOK
}

// list makes [] of nothing, where JSON would have null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
