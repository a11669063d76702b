package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Message is one message. Ids of a chat's messages ascend with seq, as both are given out under the chat's lock.
type Message struct{ ent.Schema }

// Fields of the message.
func (Message) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("chat_id").Immutable(),
		field.Int64("seq").Immutable().Comment("1, 2, 3 … in its chat, without a gap"),
		field.Int64("version").Comment("the chat's version at the last change of this message"),
		field.Int64("sender_id").Immutable(),
		field.String("content").SchemaType(text("text")),
		field.String("client_id").Optional().Nillable().Immutable().SchemaType(key("64")).Comment("makes sending idempotent, for each sender, for ever"),
		field.Time("created_at").Immutable().SchemaType(millis),
		field.Time("edited_at").Optional().Nillable().SchemaType(millis),
		field.Bool("deleted").Default(false),
	}
}

// Indexes of the message.
func (Message) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("chat_id", "seq").Unique(),
		index.Fields("chat_id", "version"),
		index.Fields("sender_id", "client_id").Unique(),
	}
}
