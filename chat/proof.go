package chat

import (
	"context"
	"errors"

	"doran/ent"
	"doran/ent/predicate"
	"doran/ent/user"
)

// A password is proved before the transaction that it is asked for, as a hash takes longer than a lock may be held. The
// transaction then locks the account and finds the same hash there, or the proof is made again with the new one. So a
// password that was changed meanwhile opens nothing.

// errMoved says that the account is not as it was when the password was proved.
var errMoved = refuse(CodeUnavailable, "The account is being changed at this moment. Try again.")

func againWhileMoved(attempt func() error) (err error) {
	const tries = 3
	for range tries {
		if err = attempt(); !errors.Is(err, errMoved) {
			break
		}
	}
	return err
}

// prove gives the one account that is asked for if the password is its own, and else nil, at the same cost when there is no account.
func (s *Service) prove(ctx context.Context, which predicate.User, password string) (*ent.User, error) {
	row, err := s.Client.User.Query().Where(which, user.DeletedAtIsNil()).Only(ctx)
	hash := decoy()
	switch {
	case ent.IsNotFound(err):
	case err != nil:
		return nil, s.dbErr(err)
	default:
		if hash, err = parsePasswordHash(row.Password); err != nil {
			return nil, err
		}
	}
	prepared, errForm := preparePassword("password", password) // what cannot be a password costs a hash too
	var matches bool
	err = s.hashing.do(ctx, func() { matches = hash.matches(prepared) })
	if err != nil || errForm != nil || !matches {
		return nil, err
	}
	return row, nil
}

// proveSession gives the caller's account. CodeWrongPassword, and CodeUnauthenticated for an account that was deleted meanwhile.
func (s *Service) proveSession(ctx context.Context, who Session, password string) (*ent.User, error) {
	row, err := s.prove(ctx, user.ID(who.UserID), password)
	if err != nil || row != nil {
		return row, err
	}
	if _, err := s.Me(ctx, who.UserID); errors.Is(err, ErrNotFound) {
		return nil, errNoToken
	}
	return nil, refuse(CodeWrongPassword, "The password is not the one of this account.")
}

// lockProved locks the account whose password was proved, and gives it another hash unless that is "". errMoved.
func (s *Service) lockProved(ctx context.Context, tx *ent.Tx, proved *ent.User, hash string) error {
	row, err := forUpdate(s, tx.User.Query().Where(user.ID(proved.ID))).Only(ctx)
	if err != nil {
		return err
	}
	if row.Password != proved.Password || row.DeletedAt != nil {
		return errMoved
	}
	if hash == "" {
		return nil
	}
	return tx.User.UpdateOneID(row.ID).SetPassword(hash).Exec(ctx)
}

// hashPassword makes what is stored of a password that keeps the rules.
func (s *Service) hashPassword(ctx context.Context, password string) (hash string, err error) {
	prepared, err := preparePassword("password", password)
	if err != nil {
		return "", err
	}
	err = s.hashing.do(ctx, func() { hash = newPasswordHash(prepared).String() })
	return hash, err
}

// strongerHash makes a new hash when the one that stands costs less than hashes do by now, and else "".
func (s *Service) strongerHash(ctx context.Context, standing, password string) (string, error) {
	hash, err := parsePasswordHash(standing)
	if err != nil || !hash.isWeak() {
		return "", err
	}
	return s.hashPassword(ctx, password)
}
