package chat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"

	"doran/ent"
	"doran/ent/grant"
	"doran/ent/predicate"
	"doran/ent/token"
)

// Grant lets the device of one token be a client of the MQTT broker, for as long as the token lives and the grant is not given
// back. Its row stays until the broker has forgotten the client, so that whoever finds it ended can cut it.
type Grant struct {
	ID       int64
	UserID   int64
	TokenID  int64  // 0 once it was given back
	ClientID string // MQTT client id and user name
	Live     bool

	passwordHash []byte
}

// GrantPrefix begins the client id of every grant, so that a broker's other clients are told from ours.
const GrantPrefix = "doran-"

// HasPassword says whether this is the grant's password, the one that was made last.
func (g Grant) HasPassword(password []byte) bool {
	hash := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(hash[:], g.passwordHash) == 1
}

// MakeGrant gives the token a grant, or the one that it has a new password, which is shown this once.
// CodeUnauthenticated: the token has ended meanwhile.
func (s *Service) MakeGrant(ctx context.Context, who Session) (Grant, string, error) {
	password := rand.Text() + rand.Text() // 256 bits: too random to be guessed from a plain hash
	hash := sha256.Sum256([]byte(password))
	clientID := fmt.Sprintf("%s%d-%s", GrantPrefix, who.UserID, strings.ToLower(rand.Text()[:16]))
	var row *ent.Grant
	err := s.tx(ctx, func(tx *ent.Tx) error {
		// The token's lock makes two who ask at once wait for each other, and a logout for both.
		live, err := forUpdate(s, tx.Token.Query().Where(token.ID(who.TokenID), token.ExpiresAtGT(s.Now()))).Exist(ctx)
		if err == nil && !live {
			return errNoToken
		}
		if err != nil {
			return err
		}
		row, err = tx.Grant.Query().Where(grant.TokenID(who.TokenID)).Only(ctx)
		if ent.IsNotFound(err) {
			row, err = tx.Grant.Create().SetTokenID(who.TokenID).SetUserID(who.UserID).SetClientID(clientID).
				SetPasswordHash(hash[:]).SetCreatedAt(At(s.Now()).Time).Save(ctx)
			return err
		}
		if err != nil {
			return err
		}
		row, err = row.Update().SetPasswordHash(hash[:]).Save(ctx)
		return err
	})
	if err != nil {
		return Grant{}, "", err
	}
	return grantOf(row, true), password, nil
}

// GiveBackGrant ends the grant of a token that lives on, and gives what the broker is to forget: nothing where there is none.
func (s *Service) GiveBackGrant(ctx context.Context, who Session) ([]Grant, error) {
	var given []Grant
	err := s.tx(ctx, func(tx *ent.Tx) error {
		given = nil
		row, err := forUpdate(s, tx.Grant.Query().Where(grant.TokenID(who.TokenID))).Only(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if row, err = row.Update().ClearTokenID().Save(ctx); err == nil {
			given = []Grant{grantOf(row, false)}
			given[0].TokenID = who.TokenID
		}
		return err
	})
	return given, err
}

// Grants are those with an id after this one, ended ones included, ascending by id, at most limit.
func (s *Service) Grants(ctx context.Context, after int64, limit int) ([]Grant, error) {
	rows, err := s.Client.Grant.Query().Where(grant.IDGT(after)).Order(grant.ByID()).Limit(limit).All(ctx)
	return s.grantsOf(ctx, rows, err)
}

// GrantsOfTokens are those that were made for these tokens and not given back, ended ones included.
func (s *Service) GrantsOfTokens(ctx context.Context, tokenIDs []int64) ([]Grant, error) {
	return s.grantsWhere(ctx, tokenIDs, func(ids []int64) predicate.Grant { return grant.TokenIDIn(ids...) })
}

// GrantsOfUsers are every grant of these users, ended ones included.
func (s *Service) GrantsOfUsers(ctx context.Context, userIDs []int64) ([]Grant, error) {
	return s.grantsWhere(ctx, userIDs, func(ids []int64) predicate.Grant { return grant.UserIDIn(ids...) })
}

// GrantsOfClients are the grants with these client ids, ended ones included.
func (s *Service) GrantsOfClients(ctx context.Context, clientIDs []string) ([]Grant, error) {
	var all []Grant
	for ids := range slices.Chunk(clientIDs, maxIn) {
		rows, err := s.Client.Grant.Query().Where(grant.ClientIDIn(ids...)).All(ctx)
		some, err := s.grantsOf(ctx, rows, err)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// ForgetGrants removes the rows of grants that have ended and that the broker has forgotten. A live one stays.
func (s *Service) ForgetGrants(ctx context.Context, grants []Grant) error {
	for chunk := range slices.Chunk(grants, maxIn) {
		ids := make([]int64, len(chunk))
		for i, g := range chunk {
			ids[i] = g.ID
		}
		rows, err := s.Client.Grant.Query().Where(grant.IDIn(ids...)).All(ctx)
		found, err := s.grantsOf(ctx, rows, err)
		if err != nil {
			return err
		}
		var ended []int64
		for _, g := range found {
			if !g.Live {
				ended = append(ended, g.ID)
			}
		}
		if _, err := s.Client.Grant.Delete().Where(grant.IDIn(ended...)).Exec(ctx); err != nil {
			return s.dbErr(err)
		}
	}
	return nil
}

func (s *Service) grantsWhere(ctx context.Context, ids []int64, where func([]int64) predicate.Grant) ([]Grant, error) {
	var all []Grant
	for chunk := range slices.Chunk(ids, maxIn) {
		rows, err := s.Client.Grant.Query().Where(where(chunk)).All(ctx)
		some, err := s.grantsOf(ctx, rows, err)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// grantsOf finds out which of the rows live: those whose token does.
func (s *Service) grantsOf(ctx context.Context, rows []*ent.Grant, err error) ([]Grant, error) {
	if err != nil {
		return nil, s.dbErr(err)
	}
	var tokens []int64
	for _, row := range rows {
		if row.TokenID != nil {
			tokens = append(tokens, *row.TokenID)
		}
	}
	live, err := s.LiveTokens(ctx, tokens)
	if err != nil {
		return nil, err
	}
	lives := make(map[int64]bool, len(live))
	for _, id := range live {
		lives[id] = true
	}
	grants := make([]Grant, len(rows))
	for i, row := range rows {
		grants[i] = grantOf(row, row.TokenID != nil && lives[*row.TokenID])
	}
	return grants, nil
}

func grantOf(row *ent.Grant, live bool) Grant {
	g := Grant{ID: row.ID, UserID: row.UserID, ClientID: row.ClientID, Live: live, passwordHash: row.PasswordHash}
	if row.TokenID != nil {
		g.TokenID = *row.TokenID
	}
	return g
}
