package chat

import (
	"context"
	"slices"

	"doran/ent"
	"doran/ent/device"
	"doran/ent/token"
)

// Device is where a push service wakes up the app of one token. What the service knows it by is shown to nobody.
type Device struct {
	ID        string `json:"device_id"`
	Kind      string `json:"kind"`
	TokenID   int64  `json:"token_id"` // the device ends with it
	Current   bool   `json:"current"`  // whether that is the token of this request
	CreatedAt Time   `json:"created_at"`
	UpdatedAt Time   `json:"updated_at"`
}

// The kinds of devices.
const (
	KindFCM     = "fcm"
	KindWebPush = "webpush"
)

// NewDevice is what a client registers: Token for KindFCM, the rest for KindWebPush, as a browser's PushSubscription gives it.
type NewDevice struct {
	ID, Kind               string
	Token                  string
	Endpoint, P256dh, Auth string
}

// PutDevice registers a device of the calling token, or changes it, and says whether it is new. One app on one device is one row: who signs in
// there takes it over from whoever was signed in before. CodeValidation, CodeLimitReached; CodeUnauthenticated: the token has ended meanwhile.
func (s *Service) PutDevice(ctx context.Context, who Session, n NewDevice) (Device, bool, error) {
	address, err := n.check()
	if err != nil {
		return Device{}, false, err
	}
	var row *ent.Device
	var isNew bool
	write := func(tx *ent.Tx) error {
		// The token's lock makes a logout wait, which then ends the device too.
		live, err := forUpdate(s, tx.Token.Query().Where(token.UserID(who.UserID), token.ExpiresAtGT(s.Now())).Order(token.ByID())).IDs(ctx)
		if err != nil {
			return err
		}
		if !slices.Contains(live, who.TokenID) {
			return errNoToken
		}
		row, isNew, err = s.writeDevice(ctx, tx, who, n, address)
		return err
	}
	for range 3 { // who registers the same app at the same moment, for somebody else, is found the next time round
		if err = s.tx(ctx, write); !isDuplicate(err) {
			break
		}
	}
	if err != nil {
		return Device{}, false, err
	}
	return deviceOf(row, who), isNew, nil
}

// writeDevice is for a caller who holds the locks of all tokens of the user, so that two of them do not go past the limit together.
func (s *Service) writeDevice(ctx context.Context, tx *ent.Tx, who Session, n NewDevice, a address) (*ent.Device, bool, error) {
	hash, now := a.hash(n.Kind), At(s.Now()).Time
	_, err := tx.Device.Delete().Where(device.AddressHash(hash), device.Or(device.UserIDNEQ(who.UserID), device.DeviceIDNEQ(n.ID))).Exec(ctx)
	if err != nil {
		return nil, false, err
	}
	rows, err := tx.Device.Query().Where(device.UserID(who.UserID)).All(ctx)
	if err != nil {
		return nil, false, err
	}
	if i := slices.IndexFunc(rows, func(d *ent.Device) bool { return d.DeviceID == n.ID }); i >= 0 {
		row, err := rows[i].Update().SetTokenID(who.TokenID).SetKind(n.Kind).SetAddress(a.text).SetAddressHash(hash).
			SetP256dh(a.p256dh).SetAuth(a.auth).SetUpdatedAt(now).Save(ctx)
		return row, false, err
	}
	if len(rows) >= s.Limits.Devices {
		return nil, false, refuse(CodeLimitReached, "You have %d devices, which is as many as one can have. Remove one first.", len(rows))
	}
	row, err := tx.Device.Create().SetUserID(who.UserID).SetTokenID(who.TokenID).SetDeviceID(n.ID).SetKind(n.Kind).SetAddress(a.text).
		SetAddressHash(hash).SetP256dh(a.p256dh).SetAuth(a.auth).SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
	return row, true, err
}

// Devices are the user's, by the order in which they were registered.
func (s *Service) Devices(ctx context.Context, who Session) ([]Device, error) {
	rows, err := s.Client.Device.Query().Where(device.UserID(who.UserID)).Order(device.ByID()).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	devices := make([]Device, len(rows))
	for i, row := range rows {
		devices[i] = deviceOf(row, who)
	}
	return devices, nil
}

// RemoveDevice succeeds also when there was none.
func (s *Service) RemoveDevice(ctx context.Context, userID int64, id string) error {
	return s.tx(ctx, func(tx *ent.Tx) error {
		_, err := tx.Device.Delete().Where(device.UserID(userID), device.DeviceID(id)).Exec(ctx)
		return err
	})
}

// endDevices ends the devices of tokens that end in the same transaction.
func endDevices(ctx context.Context, tx *ent.Tx, tokenIDs ...int64) error {
	_, err := tx.Device.Delete().Where(device.TokenIDIn(tokenIDs...)).Exec(ctx)
	return err
}

func deviceOf(row *ent.Device, who Session) Device {
	return Device{ID: row.DeviceID, Kind: row.Kind, TokenID: row.TokenID, Current: row.TokenID == who.TokenID,
		CreatedAt: At(row.CreatedAt), UpdatedAt: At(row.UpdatedAt)}
}
