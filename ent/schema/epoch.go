package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Epoch is one row: which Redis the inboxes stand in. Another Redis, or the same one with another past, is another epoch.
type Epoch struct{ ent.Schema }

// Annotations of the epoch: its table has the singular name.
func (Epoch) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "epoch"}}
}

// Fields of the epoch.
func (Epoch) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("number").Comment("1, 2, 3 …"),
		field.String("redis").SchemaType(text("text")).Comment("identities (run id and replication id) of the masters that belong to it, separated by spaces"),
	}
}
