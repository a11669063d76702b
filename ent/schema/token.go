package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Token is one signed-in device. A token that has ended has no row.
type Token struct{ ent.Schema }

// Fields of the token.
func (Token) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("user_id").Immutable(),
		field.Bytes("hash").Unique().Immutable().SchemaType(map[string]string{"mysql": "varbinary(32)", "sqlite3": "blob"}).Comment("SHA-256 of the token; the token itself is not kept"),
		field.String("device").Default("").SchemaType(text("varchar(100)")).Comment("the device's own name for itself"),
		field.Time("created_at").Immutable().SchemaType(millis),
		field.Time("used_at").SchemaType(millis),
		field.Time("expires_at").SchemaType(millis),
	}
}

// Indexes of the token.
func (Token) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("expires_at")}
}
