// Package ent is the data model: schema/ is written by hand, the rest is generated from it by `go generate ./ent`.
package ent

//go:generate go tool ent generate --feature sql/lock,sql/modifier,sql/execquery,sql/upsert ./schema
