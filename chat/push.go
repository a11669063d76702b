package chat

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"database/sql"
	"strings"

	"doran/ent"
	"doran/ent/device"
)

// What push needs of the domain. Nothing here asks who may: the callers are the nodes themselves.

// PushTarget is a device whose token lives, with what its service knows it by.
type PushTarget struct {
	Row             int64 // of the device
	UserID, TokenID int64
	ID, Kind        string
	Address         string
	P256dh, Auth    []byte
}

// PushMember is a device of somebody who is in a chat.
type PushMember struct {
	PushTarget
	ChatID int64
	Muted  bool // by its user, the chat
}

const targetColumns = "d.id, d.user_id, d.token_id, d.device_id, d.kind, d.address, d.p256dh, d.auth"

func (t *PushTarget) fields() []any {
	return []any{&t.Row, &t.UserID, &t.TokenID, &t.ID, &t.Kind, &t.Address, &t.P256dh, &t.Auth}
}

// PushMembers are the devices of those who are in these chats now, each once for each chat.
func (s *Service) PushMembers(ctx context.Context, chatIDs []int64) ([]PushMember, error) {
	if len(chatIDs) == 0 {
		return nil, nil
	}
	args := []any{At(s.Now()).Time}
	for _, id := range chatIDs {
		args = append(args, id)
	}
	return collect(ctx, s, `SELECT `+targetColumns+`, m.chat_id, m.muted FROM members m JOIN devices d ON d.user_id = m.user_id
		JOIN tokens t ON t.id = d.token_id AND t.user_id = d.user_id AND t.expires_at > ?
		WHERE m.left_version = 0 AND m.chat_id IN (?`+strings.Repeat(",?", len(chatIDs)-1)+`) ORDER BY d.user_id, d.id, m.chat_id`,
		func(m *PushMember) []any { return append(m.fields(), &m.ChatID, &m.Muted) }, args...)
}

// PushTargets are the user's devices.
func (s *Service) PushTargets(ctx context.Context, userID int64) ([]PushTarget, error) {
	return collect(ctx, s, `SELECT `+targetColumns+` FROM devices d JOIN tokens t ON t.id = d.token_id AND t.user_id = d.user_id AND t.expires_at > ?
		WHERE d.user_id = ? ORDER BY d.id`, (*PushTarget).fields, At(s.Now()).Time, userID)
}

func collect[T any](ctx context.Context, s *Service, query string, fields func(*T) []any, args ...any) ([]T, error) {
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.dbErr(err)
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, s.dbErr(err)
		}
		all = append(all, one)
	}
	return all, s.dbErr(rows.Err())
}

// HasUnread says whether there is a message that the user has not seen on any device, in a chat that they have not muted.
func (s *Service) HasUnread(ctx context.Context, userID int64) (unread bool, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT 1 FROM members m JOIN chats c ON c.id = m.chat_id
		WHERE m.user_id = ? AND m.left_version = 0 AND NOT m.muted AND c.last_seq > m.read_seq LIMIT 1`, userID).Scan(&unread)
	if err == sql.ErrNoRows {
		return false, nil
	}
	return unread, s.dbErr(err)
}

// ForgetDevice removes a device whose service says that it is gone, unless it was registered anew meanwhile.
func (s *Service) ForgetDevice(ctx context.Context, t PushTarget) error {
	_, err := s.Client.Device.Delete().Where(device.ID(t.Row), device.AddressHash(address{text: t.Address}.hash(t.Kind))).Exec(ctx)
	return s.dbErr(err)
}

// WebPushKey is the key by which Web Push services know this server (RFC 8292). It is made when it is first asked for, once for all nodes.
func (s *Service) WebPushKey(ctx context.Context) (*ecdh.PrivateKey, error) {
	row, err := s.Client.VAPIDKey.Get(ctx, 1)
	if ent.IsNotFound(err) {
		if err = s.makeWebPushKey(ctx); err == nil {
			row, err = s.Client.VAPIDKey.Get(ctx, 1)
		}
	}
	if err != nil {
		return nil, s.dbErr(err)
	}
	return ecdh.P256().NewPrivateKey(row.PrivateKey)
}

// makeWebPushKey leaves the one that another node made at the same time.
func (s *Service) makeWebPushKey(ctx context.Context) error {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *ent.Tx) error {
		return tx.VAPIDKey.Create().SetID(1).SetPrivateKey(key.Bytes()).SetCreatedAt(At(s.Now()).Time).Exec(ctx)
	})
	if ent.IsConstraintError(err) {
		return nil
	}
	return err
}
