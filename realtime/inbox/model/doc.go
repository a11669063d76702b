// Package model is the delivery protocol of package inbox as a simulation: a database, Redis servers with their faults, two
// nodes whose every step may interleave with any other or be the last, clients that poll and mend, and a check of what
// Doran promises. A history follows from its seed alone.
//
// scripts.go says in Go what the scripts say in Lua; a test of package inbox holds the two together on a real Redis. The
// rest follows publish.go, read.go, body.go and epoch.go step by step: change them here first, and see what breaks. Each rule
// of the protocol has a name (rules.go) and can be taken away, so that a test shows what it is for.
//
// Not in it: clusters, several servers in one epoch, MQTT, push, and everything about who may call what over HTTP.
package model
