package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// User is a person. A deleted one keeps its row, without name and password, because messages name their sender.
type User struct{ ent.Schema }

// Fields of the user.
func (User) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.String("username").Optional().Nillable().SchemaType(text("varchar(64)")).Comment("as typed at sign-up"),
		field.String("username_key").Optional().Nillable().Unique().SchemaType(key("255")).Comment("PRECIS UsernameCaseMapped (RFC 8265); what makes two names one"),
		field.String("password").Default("").Sensitive().SchemaType(key("255")).Comment("argon2id, PHC string"),
		field.Bool("presence").Default(true).Comment("whether friends may see one online"),
		field.Time("created_at").Immutable().SchemaType(millis),
		field.Time("deleted_at").Optional().Nillable().SchemaType(millis),
	}
}
