package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Chat is a direct chat of two or a group. Its row is the lock under which everything that happens in it gets its version.
type Chat struct{ ent.Schema }

// Fields of the chat.
func (Chat) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.String("kind").Immutable().SchemaType(key("8")).Comment("direct or group"),
		field.String("title").Default("").SchemaType(text("varchar(100)")),
		field.Int64("owner_id").Optional().Nillable(),
		field.Int64("low_user_id").Optional().Nillable().Immutable().Comment("the two of a direct chat, the lower id first"),
		field.Int64("high_user_id").Optional().Nillable().Immutable(),
		field.Int64("creator_id").Immutable(),
		field.String("client_id").Optional().Nillable().Immutable().SchemaType(key("64")).Comment("makes creating idempotent, for each creator"),
		field.Bytes("request_hash").Optional().Nillable().Immutable().SchemaType(map[string]string{"mysql": "varbinary(32)", "sqlite3": "blob"}).Comment("SHA-256 of what was asked for with client_id"),
		field.Int64("last_seq").Default(0).Comment("messages ever sent"),
		field.Int64("version").Default(1).Comment("everything that ever happened"),
		field.Int("member_count").Default(0),
		field.Int64("last_message_id").Optional().Nillable(),
		field.Time("active_at").SchemaType(millis).Comment("newest message, or creation"),
		field.Time("created_at").Immutable().SchemaType(millis),
		field.Time("deleted_at").Optional().Nillable().SchemaType(millis),
		field.Bool("erased").Default(false).Comment("the texts of a deleted chat are gone"),
	}
}

// Indexes of the chat.
func (Chat) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("low_user_id", "high_user_id").Unique(),
		index.Fields("creator_id", "client_id").Unique(),
		index.Fields("erased", "deleted_at"),
	}
}
