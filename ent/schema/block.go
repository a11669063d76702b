package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Block is a person whom somebody does not want to hear from.
type Block struct{ ent.Schema }

// Fields of the block.
func (Block) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("user_id").Immutable(),
		field.Int64("target_id").Immutable(),
		field.Time("created_at").Immutable().SchemaType(millis),
	}
}

// Indexes of the block.
func (Block) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "target_id").Unique(), index.Fields("target_id")}
}
