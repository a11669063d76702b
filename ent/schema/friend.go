package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Friend is a person on somebody's list of friends; it binds one side only.
type Friend struct{ ent.Schema }

// Fields of the friend.
func (Friend) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("user_id").Immutable(),
		field.Int64("target_id").Immutable(),
		field.Time("created_at").Immutable().SchemaType(millis),
	}
}

// Indexes of the friend.
func (Friend) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "target_id").Unique(), index.Fields("target_id")}
}
