package main

import (
	"reflect"
	"testing"

	"doran/chat"
	"doran/config"
	"doran/handlers"
)

// The table of variables says what counts when nothing is set, and so do the packages for who uses them alone.
func TestDefaultLimitsAreThoseOfThePackages(t *testing.T) {
	c, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := domainLimits(c.Limits), chat.DefaultLimits(); got != want {
		t.Errorf("domain:\n got %+v\nwant %+v", got, want)
	}
	if got, want := requestLimits(c.Rates), handlers.DefaultLimits(); !reflect.DeepEqual(got, want) {
		t.Errorf("requests:\n got %+v\nwant %+v", got, want)
	}
}
