package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Member is one stay of a user in a chat. Who leaves and comes back has two rows: which events somebody is told is decided
// by the versions at which each stay began and ended, not by who is in the chat when the event is delivered.
type Member struct{ ent.Schema }

// Fields of the member.
func (Member) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("chat_id").Immutable(),
		field.Int64("user_id").Immutable(),
		field.String("role").Default("member").SchemaType(key("8")).Comment("owner or member"),
		field.Int64("joined_version").Immutable().Comment("the first version of this stay"),
		field.Int64("left_version").Default(0).Comment("the last version of this stay; 0 while it lasts"),
		field.Int64("joined_seq").Immutable().Comment("the newest message when the stay began: not seen, nor those before it"),
		field.Int64("last_message_id").Optional().Nillable().Comment("the last message this user has seen"),
		field.Int64("read_seq").Comment("seq of last_message_id"),
		field.Bool("muted").Default(false),
		field.Time("joined_at").Immutable().SchemaType(millis),
	}
}

// Indexes of the member: at most one stay of a user in a chat lasts, as left_version is 0 for that one only.
func (Member) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("chat_id", "user_id", "left_version").Unique(),
		index.Fields("user_id", "left_version"),
	}
}
