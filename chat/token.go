package chat

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"doran/ent"
	"doran/ent/token"

	entsql "entgo.io/ent/dialect/sql"
)

// Session is a caller who proved a live token.
type Session struct {
	UserID, TokenID int64
	ExpiresAt       Time
}

// Token is one signed-in device as its user sees it.
type Token struct {
	ID        int64  `json:"id"`
	Device    string `json:"device"`
	CreatedAt Time   `json:"created_at"`
	UsedAt    Time   `json:"used_at"`
	ExpiresAt Time   `json:"expires_at"`
	Current   bool   `json:"current"`
}

// A token is tokenPrefix, by which scanners for secrets and the log know it, and tokenBytes at random.
const (
	tokenPrefix = "dorn_"
	tokenBytes  = 32
)

const maxDevice = 100 // characters

var tokenText = base64.RawURLEncoding.Strict() // one spelling for each token

// newSecret makes a token and what is kept of it.
func newSecret() (secret string, hash []byte) {
	b := make([]byte, tokenBytes)
	_, _ = rand.Read(b) // never fails
	secret = tokenPrefix + tokenText.EncodeToString(b)
	return secret, tokenHash(secret)
}

// tokenHash is SHA-256: a token is too random to be guessed from it, and is found by it in one read.
func tokenHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func looksLikeToken(s string) bool {
	text, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(text) != tokenText.EncodedLen(tokenBytes) {
		return false
	}
	_, err := tokenText.DecodeString(text)
	return err == nil
}

// checkDevice is the rule for the name that a device gives itself.
func checkDevice(device string) error {
	switch {
	case !utf8.ValidString(device) || strings.ContainsFunc(device, unicode.IsControl):
		return Invalid("device", "invalid", "The name of a device is text without control characters.")
	case utf8.RuneCountInString(device) > maxDevice:
		return Invalid("device", "too_long", "The name of a device has at most %d characters.", maxDevice)
	}
	return nil
}

var errNoToken = refuse(CodeUnauthenticated, "There is no live token of this value: it has ended or never was. Log in again.")

// Authenticate finds the live token, and writes down at most every five minutes that it was used. CodeUnauthenticated.
// The answer is not cached: a token that ended on another node is dead for the next request here.
func (s *Service) Authenticate(ctx context.Context, secret string) (Session, error) {
	if !looksLikeToken(secret) {
		return Session{}, errNoToken
	}
	row, err := s.Client.Token.Query().Where(token.Hash(tokenHash(secret))).Only(ctx)
	now := s.Now()
	if ent.IsNotFound(err) || err == nil && !row.ExpiresAt.After(now) {
		return Session{}, errNoToken
	}
	if err != nil {
		return Session{}, s.dbErr(err)
	}
	who := Session{UserID: row.UserID, TokenID: row.ID, ExpiresAt: At(row.ExpiresAt)}
	if now.Sub(row.UsedAt) >= useInterval {
		s.noteUse(row.ID)
		who.ExpiresAt = At(now.Add(s.Limits.TokenLifetime))
	}
	return who, nil
}

// LiveTokens are those of ids that have not ended, for the check of open connections.
func (s *Service) LiveTokens(ctx context.Context, ids []int64) ([]int64, error) {
	live := make([]int64, 0, len(ids))
	for chunk := range slices.Chunk(ids, maxIn) {
		some, err := s.Client.Token.Query().Where(token.IDIn(chunk...), token.ExpiresAtGT(s.Now())).IDs(ctx)
		if err != nil {
			return nil, s.dbErr(err)
		}
		live = append(live, some...)
	}
	return live, nil
}

// Tokens are the user's, newest first.
func (s *Service) Tokens(ctx context.Context, who Session) ([]Token, error) {
	rows, err := s.Client.Token.Query().Where(token.UserID(who.UserID), token.ExpiresAtGT(s.Now())).
		Order(token.ByID(entsql.OrderDesc())).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	tokens := make([]Token, len(rows))
	for i, row := range rows {
		tokens[i] = Token{ID: row.ID, Device: row.Device, CreatedAt: At(row.CreatedAt), UsedAt: At(row.UsedAt),
			ExpiresAt: At(row.ExpiresAt), Current: row.ID == who.TokenID}
	}
	return tokens, nil
}

// EndToken ends one of the caller's tokens; the calling one is logout. CodeNotFound.
func (s *Service) EndToken(ctx context.Context, who Session, tokenID int64) error {
	err := s.tx(ctx, func(tx *ent.Tx) error {
		n, err := tx.Token.Delete().Where(token.ID(tokenID), token.UserID(who.UserID), token.ExpiresAtGT(s.Now())).Exec(ctx)
		if err == nil && n == 0 {
			return refuse(CodeNotFound, "You have no token %d.", tokenID)
		}
		if err != nil {
			return err
		}
		return endDevices(ctx, tx, tokenID)
	})
	if err == nil {
		s.announce(News{EndedTokens: []int64{tokenID}})
	}
	return err
}

// newToken makes a token of a user whose row the caller has locked, and makes room for it first: what expired ends, and the
// longest unused of too many. It gives the token, and the ids of those that ended.
func (s *Service) newToken(ctx context.Context, tx *ent.Tx, userID int64, device string) (secret string, expires Time, ended []int64, err error) {
	rows, err := tx.Token.Query().Where(token.UserID(userID)).All(ctx)
	if err != nil {
		return "", Time{}, nil, err
	}
	if ended = tokensToEnd(rows, s.Now(), s.Limits.Tokens-1); len(ended) > 0 {
		if _, err := tx.Token.Delete().Where(token.IDIn(ended...)).Exec(ctx); err != nil {
			return "", Time{}, nil, err
		}
		if err := endDevices(ctx, tx, ended...); err != nil {
			return "", Time{}, nil, err
		}
	}
	now := At(s.Now())
	expires = At(now.Add(s.Limits.TokenLifetime))
	secret, hash := newSecret()
	err = tx.Token.Create().SetUserID(userID).SetHash(hash).SetDevice(device).
		SetCreatedAt(now.Time).SetUsedAt(now.Time).SetExpiresAt(expires.Time).Exec(ctx)
	return secret, expires, ended, err
}

// tokensToEnd are the expired ones, and of the others all but the last used ones that may stay.
func tokensToEnd(rows []*ent.Token, now time.Time, mayStay int) (ended []int64) {
	slices.SortFunc(rows, func(a, b *ent.Token) int {
		return cmp.Or(b.UsedAt.Compare(a.UsedAt), cmp.Compare(b.ID, a.ID))
	})
	for _, row := range rows {
		if mayStay > 0 && row.ExpiresAt.After(now) {
			mayStay--
			continue
		}
		ended = append(ended, row.ID)
	}
	return ended
}

// endTokens ends every token of the user and gives their ids.
func endTokens(ctx context.Context, tx *ent.Tx, userID int64) ([]int64, error) {
	ids, err := tx.Token.Query().Where(token.UserID(userID)).IDs(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Token.Delete().Where(token.UserID(userID)).Exec(ctx); err != nil {
		return nil, err
	}
	return ids, endDevices(ctx, tx, ids...)
}
