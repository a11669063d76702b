package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Device is where a push service wakes the app of one token up. It ends with its token.
type Device struct{ ent.Schema }

// Fields of the device.
func (Device) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("user_id").Immutable(),
		field.Int64("token_id").Comment("the token that registered it last"),
		field.String("device_id").Immutable().SchemaType(key("64")).Comment("the client's own name for it"),
		field.String("kind").SchemaType(key("8")).Comment("fcm or webpush"),
		field.String("address").Sensitive().SchemaType(text("text")).Comment("registration token of FCM, endpoint of Web Push: whoever knows it may try to push"),
		field.Bytes("address_hash").Unique().SchemaType(map[string]string{"mysql": "varbinary(32)", "sqlite3": "blob"}).Comment("SHA-256 of kind and address: one app on one device is one row, whoever is signed in"),
		field.Bytes("p256dh").Optional().SchemaType(map[string]string{"mysql": "varbinary(65)", "sqlite3": "blob"}).Comment("Web Push: the device's public key, RFC 8291"),
		field.Bytes("auth").Optional().Sensitive().SchemaType(map[string]string{"mysql": "varbinary(16)", "sqlite3": "blob"}).Comment("Web Push: the shared secret"),
		field.Time("created_at").Immutable().SchemaType(millis),
		field.Time("updated_at").SchemaType(millis),
	}
}

// Indexes of the device.
func (Device) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "device_id").Unique(), index.Fields("token_id")}
}
