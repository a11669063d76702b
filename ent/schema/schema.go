// Package schema describes the tables. The versioned migrations beside the generated code create them; a test holds the two together.
//
// Three rules hold for every table. Keys and names are compared byte by byte: their MySQL type is VARBINARY, because even
// utf8mb4_bin ignores trailing spaces. There are no foreign keys: they would take locks outside of the order that the
// domain takes them in (chat, members, messages, outbox). Times have milliseconds and are never used for order.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/field"
)

func id() ent.Field { return field.Int64("id").Immutable() }

// key is a string that is compared byte by byte.
func key(bytes string) map[string]string {
	return map[string]string{dialect.MySQL: "varbinary(" + bytes + ")", dialect.SQLite: "text"}
}

// text is a string that people read; its column has no index.
func text(columnType string) map[string]string {
	return map[string]string{dialect.MySQL: columnType + " character set utf8mb4 collate utf8mb4_bin", dialect.SQLite: "text"}
}

// millis is a time in UTC with milliseconds.
var millis = map[string]string{dialect.MySQL: "datetime(3)", dialect.SQLite: "datetime"}
