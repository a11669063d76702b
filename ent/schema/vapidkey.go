package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// VAPIDKey is one row: the key that this server, on every node, proves itself with to Web Push services (RFC 8292). Browsers bind their
// subscriptions to it, so it is made once and kept.
type VAPIDKey struct{ ent.Schema }

// Annotations of the key: its table has the singular name.
func (VAPIDKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "vapid_key"}}
}

// Fields of the key.
func (VAPIDKey) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Bytes("private_key").Immutable().Sensitive().SchemaType(map[string]string{"mysql": "varbinary(32)", "sqlite3": "blob"}).Comment("P-256, the scalar"),
		field.Time("created_at").Immutable().SchemaType(millis),
	}
}
