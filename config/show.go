package config

import (
	"fmt"
	"io"
	"regexp"
	"text/tabwriter"
)

// Describe writes the table of variables for people.
func Describe(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range variables {
		fallback := v.fallback
		if fallback == "" {
			fallback = "(empty)"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", v.name, fallback, v.meaning)
	}
	_ = table.Flush()
}

// A password may hold anything, slashes and at signs too: what counts is the last at sign, and the first colon.
var userinfo = regexp.MustCompile(`^([a-z]+://)([^:@]*:)?.*@`)

// Redacted is a URL without its password, for logs and screens.
func Redacted(url string) string { return userinfo.ReplaceAllString(url, "${1}${2}***@") }
