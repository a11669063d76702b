package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Grant lets the device of one token be a client of the MQTT broker. The row outlives its token until the broker has
// forgotten the client: what is to be cut is found by being there, however often a node or the broker died meanwhile.
type Grant struct{ ent.Schema }

// Fields of the grant.
func (Grant) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("token_id").Optional().Nillable().Unique().Comment("NULL once the grant was given back before its token ended"),
		field.Int64("user_id").Immutable(),
		field.String("client_id").Unique().Immutable().SchemaType(key("64")).Comment("MQTT client id and user name; random, so that nobody comes upon another's queue"),
		field.Bytes("password_hash").SchemaType(map[string]string{"mysql": "varbinary(32)", "sqlite3": "blob"}).Comment("SHA-256 of 256 random bits; the password itself is not kept"),
		field.Time("created_at").Immutable().SchemaType(millis),
	}
}

// Indexes of the grant.
func (Grant) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id")}
}
