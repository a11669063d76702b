package chat

import (
	"context"

	"doran/ent"
	"doran/ent/block"
	"doran/ent/friend"
	"doran/ent/token"
	"doran/ent/user"
)

// SignedIn answers a sign-up or a login. Token is shown this once.
type SignedIn struct {
	User      User   `json:"user"`
	Token     string `json:"token"`
	ExpiresAt Time   `json:"expires_at"`
}

var errWrongLogin = refuse(CodeInvalidCredentials, "There is no account with this username and this password.")

// SignUp makes an account and its first token. CodeUsernameTaken, CodeValidation, CodeForbidden while sign-up is closed.
func (s *Service) SignUp(ctx context.Context, username, password, device string) (SignedIn, error) {
	if s.SignUpClosed {
		return SignedIn{}, refuse(CodeForbidden, "New accounts are not made on this server. Ask who runs it.")
	}
	key, errName := usernameKey(username)
	_, errPassword := preparePassword("password", password)
	if err := allInvalid(errName, errPassword, checkDevice(device)); err != nil {
		return SignedIn{}, err
	}
	taken, err := s.Client.User.Query().Where(user.UsernameKey(key)).Exist(ctx)
	if err != nil {
		return SignedIn{}, s.dbErr(err)
	}
	if taken { // before the costly hash; two who ask at once are told apart by the unique index
		return SignedIn{}, usernameTaken(username)
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = s.tx(ctx, func(tx *ent.Tx) error {
		row, err := tx.User.Create().SetUsername(username).SetUsernameKey(key).SetPassword(hash).SetCreatedAt(At(s.Now()).Time).Save(ctx)
		if isDuplicate(err) {
			return usernameTaken(username)
		}
		if err != nil {
			return err
		}
		in, _, err = s.signIn(ctx, tx, row, device)
		return err
	})
	return in, err
}

func usernameTaken(username string) error {
	return refuse(CodeUsernameTaken, "The username %q belongs to somebody already. Choose another.", username)
}

// Login makes a token. CodeInvalidCredentials in the same words and the same time for an unknown name and a wrong password.
func (s *Service) Login(ctx context.Context, username, password, device string) (SignedIn, error) {
	if err := checkDevice(device); err != nil {
		return SignedIn{}, err
	}
	key, _ := usernameKey(username) // "" for what cannot be a name, which nobody has
	var in SignedIn
	var ended []int64
	err := againWhileMoved(func() error {
		row, err := s.prove(ctx, user.UsernameKey(key), password)
		if err != nil {
			return err
		}
		if row == nil {
			return errWrongLogin
		}
		stronger, err := s.strongerHash(ctx, row.Password, password)
		if err != nil {
			return err
		}
		return s.tx(ctx, func(tx *ent.Tx) (err error) {
			if err := s.lockProved(ctx, tx, row, stronger); err != nil {
				return err
			}
			in, ended, err = s.signIn(ctx, tx, row, device)
			return err
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	s.announceEnded(ended)
	return in, nil
}

// ChangePassword ends every token of the user and answers with a new one. CodeWrongPassword.
func (s *Service) ChangePassword(ctx context.Context, who Session, oldPassword, newPassword string) (SignedIn, error) {
	if _, err := preparePassword("new_password", newPassword); err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	var ended []int64
	err := againWhileMoved(func() error {
		row, err := s.proveSession(ctx, who, oldPassword)
		if err != nil {
			return err
		}
		hash, err := s.hashPassword(ctx, newPassword)
		if err != nil {
			return err
		}
		return s.tx(ctx, func(tx *ent.Tx) (err error) {
			if err := s.lockProved(ctx, tx, row, hash); err != nil {
				return err
			}
			calling, err := tx.Token.Query().Where(token.ID(who.TokenID), token.UserID(who.UserID)).Only(ctx)
			if ent.IsNotFound(err) {
				return errNoToken
			}
			if err != nil {
				return err
			}
			if ended, err = endTokens(ctx, tx, who.UserID); err != nil {
				return err
			}
			in, _, err = s.signIn(ctx, tx, row, calling.Device)
			return err
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	s.announceEnded(ended)
	return in, nil
}

// DeleteAccount ends every token, frees the name, leaves every group, and keeps the row without a name. CodeWrongPassword.
func (s *Service) DeleteAccount(ctx context.Context, who Session, password string) error {
	var ended []int64
	err := againWhileMoved(func() error {
		row, err := s.proveSession(ctx, who, password)
		if err != nil {
			return err
		}
		return s.tx(ctx, func(tx *ent.Tx) (err error) {
			if err := s.lockProved(ctx, tx, row, ""); err != nil {
				return err
			}
			if ended, err = endTokens(ctx, tx, row.ID); err != nil {
				return err
			}
			return s.forget(ctx, tx, row.ID)
		})
	})
	if err != nil {
		return err
	}
	s.announceEnded(ended)
	if err := s.leaveGroups(ctx, who.UserID); err != nil { // the account is deleted all the same
		s.Log.Warn("a deleted user is still in groups; the janitor takes them out", "user", who.UserID, "err", err)
	}
	return nil
}

// forget takes the name off a user, and the user off every list of friends and blocks.
func (s *Service) forget(ctx context.Context, tx *ent.Tx, userID int64) error {
	for _, remove := range []func(context.Context) (int, error){
		tx.Friend.Delete().Where(friend.UserID(userID)).Exec,
		tx.Friend.Delete().Where(friend.TargetID(userID)).Exec,
		tx.Block.Delete().Where(block.UserID(userID)).Exec,
		tx.Block.Delete().Where(block.TargetID(userID)).Exec,
	} {
		if _, err := remove(ctx); err != nil {
			return err
		}
	}
	return tx.User.UpdateOneID(userID).ClearUsername().ClearUsernameKey().SetPassword("").SetDeletedAt(At(s.Now()).Time).Exec(ctx)
}

// signIn makes a token of a user whose row is locked or new, and gives the ids of those that had to end for it.
func (s *Service) signIn(ctx context.Context, tx *ent.Tx, row *ent.User, device string) (SignedIn, []int64, error) {
	secret, expires, ended, err := s.newToken(ctx, tx, row.ID, device)
	return SignedIn{User: userOf(row), Token: secret, ExpiresAt: expires}, ended, err
}

func (s *Service) announceEnded(tokens []int64) {
	if len(tokens) > 0 {
		s.announce(News{EndedTokens: tokens})
	}
}
