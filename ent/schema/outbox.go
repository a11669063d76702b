package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Outbox is an event that was committed and is not yet known to be in every inbox. The row is written in the transaction
// of what it tells of, and goes when every inbox that it concerns has it.
type Outbox struct{ ent.Schema }

// Annotations of the outbox: its table has the singular name.
func (Outbox) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "outbox"}}
}

// Fields of the outbox.
func (Outbox) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("chat_id").Immutable(),
		field.Int64("version").Immutable().Comment("the chat's version that the event made; message.read makes none and has that of its time"),
		field.String("type").Immutable().SchemaType(key("32")),
		field.Int64("message_id").Default(0).Immutable(),
		field.Int64("seq").Default(0).Immutable(),
		field.Int64("user_id").Default(0).Immutable().Comment("whom it is about: added, removed, reader"),
		field.Int64("actor_id").Default(0).Immutable().Comment("who did it"),
		field.Int64("only_id").Default(0).Immutable().Comment("the one member who is told; 0: every member"),
		field.Time("at").Immutable().SchemaType(millis),
	}
}

// Indexes of the outbox.
func (Outbox) Indexes() []ent.Index {
	return []ent.Index{index.Fields("chat_id", "version"), index.Fields("at")}
}
