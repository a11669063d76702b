package chat

import (
	"context"
	"slices"

	"doran/ent"
	"doran/ent/user"
)

// User is what everybody may know of a user. Username is nil once the account was deleted.
type User struct {
	ID        int64   `json:"id"`
	Username  *string `json:"username"`
	CreatedAt Time    `json:"created_at"`
}

// Me is what a user may know of themselves.
type Me struct {
	User
	Presence bool `json:"presence"`
}

func userOf(row *ent.User) User {
	return User{ID: row.ID, Username: row.Username, CreatedAt: At(row.CreatedAt)}
}

// Me is the asking user.
func (s *Service) Me(ctx context.Context, userID int64) (Me, error) {
	row, err := s.Client.User.Query().Where(user.ID(userID), user.DeletedAtIsNil()).Only(ctx)
	if ent.IsNotFound(err) {
		return Me{}, noUser(userID)
	}
	if err != nil {
		return Me{}, s.dbErr(err)
	}
	return Me{User: userOf(row), Presence: row.Presence}, nil
}

// SetPresence says whether friends may see the user online, and shows those who are connected.
func (s *Service) SetPresence(ctx context.Context, userID int64, visible bool) (Me, error) {
	err := s.tx(ctx, func(tx *ent.Tx) error {
		return tx.User.Update().Where(user.ID(userID), user.DeletedAtIsNil()).SetPresence(visible).Exec(ctx)
	})
	if err != nil {
		return Me{}, err
	}
	s.presenceChanged(ctx, userID, visible)
	return s.Me(ctx, userID)
}

// User is any user, deleted ones included. CodeNotFound.
func (s *Service) User(ctx context.Context, id int64) (User, error) {
	row, err := s.Client.User.Get(ctx, id)
	if ent.IsNotFound(err) {
		return User{}, noUser(id)
	}
	if err != nil {
		return User{}, s.dbErr(err)
	}
	return userOf(row), nil
}

// UsersNamed is the user with exactly this name by its canonical form, or none; a name that no user can have is none.
func (s *Service) UsersNamed(ctx context.Context, username string) ([]User, error) {
	key, err := usernameKey(username)
	if err != nil {
		return []User{}, nil
	}
	rows, err := s.Client.User.Query().Where(user.UsernameKey(key)).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	return usersOf(rows), nil
}

// Users are those of ids that exist, ascending by id.
func (s *Service) Users(ctx context.Context, ids []int64) ([]User, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	users := make([]User, 0, len(ids))
	for chunk := range slices.Chunk(ids, maxIn) {
		rows, err := s.Client.User.Query().Where(user.IDIn(chunk...)).Order(user.ByID()).All(ctx)
		if err != nil {
			return nil, s.dbErr(err)
		}
		users = append(users, usersOf(rows)...)
	}
	return users, nil
}

// usersInOrder are those of ids that exist, as the ids come.
func (s *Service) usersInOrder(ctx context.Context, ids []int64) ([]User, error) {
	found, err := s.Users(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]User, len(found))
	for _, u := range found {
		byID[u.ID] = u
	}
	users := make([]User, 0, len(ids))
	for _, id := range ids {
		if u, ok := byID[id]; ok {
			users = append(users, u)
		}
	}
	return users, nil
}

// lockPair locks two users, the lower id first, so that lists which name both cannot grow past a limit or outlive an account.
// It gives the target. CodeNotFound when there is none, or it was deleted; CodeUnauthenticated when the user was.
func (s *Service) lockPair(ctx context.Context, tx *ent.Tx, userID, targetID int64) (*ent.User, error) {
	rows, err := forUpdate(s, tx.User.Query().Where(user.IDIn(userID, targetID), user.DeletedAtIsNil()).Order(user.ByID())).All(ctx)
	if err != nil {
		return nil, err
	}
	at := func(id int64) int { return slices.IndexFunc(rows, func(row *ent.User) bool { return row.ID == id }) }
	if at(userID) < 0 {
		return nil, errNoToken
	}
	if at(targetID) < 0 {
		return nil, noUser(targetID)
	}
	return rows[at(targetID)], nil
}

func usersOf(rows []*ent.User) []User {
	users := make([]User, len(rows))
	for i, row := range rows {
		users[i] = userOf(row)
	}
	return users
}

func noUser(id int64) error { return refuse(CodeNotFound, "There is no user %d.", id) }
