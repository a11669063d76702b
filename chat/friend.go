package chat

import (
	"context"

	"doran/ent"
	"doran/ent/friend"
)

// Friend is a user on somebody's list. Online is nil unless both list each other, neither blocked the other, and the friend
// lets themselves be seen.
type Friend struct {
	User
	Online *bool `json:"online"`
}

// friendsQuery tells of each friend whether the asking user may see them online.
const friendsQuery = `SELECT u.id, u.username, u.created_at, u.presence
	AND EXISTS (SELECT 1 FROM friends m WHERE m.user_id = f.target_id AND m.target_id = f.user_id)
	AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = f.user_id AND b.target_id = f.target_id)
	AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = f.target_id AND b.target_id = f.user_id)
	FROM friends f JOIN users u ON u.id = f.target_id WHERE f.user_id = ? ORDER BY f.id`

// Friends are the user's, by the order in which they were added.
func (s *Service) Friends(ctx context.Context, userID int64) ([]Friend, error) {
	rows, err := s.DB.QueryContext(ctx, friendsQuery, userID)
	if err != nil {
		return nil, s.dbErr(err)
	}
	defer func() { _ = rows.Close() }()
	friends, visible := []Friend{}, []int64{}
	for rows.Next() {
		var f Friend
		var mayBeSeen bool
		if err := rows.Scan(&f.ID, &f.Username, &f.CreatedAt.Time, &mayBeSeen); err != nil {
			return nil, s.dbErr(err)
		}
		if mayBeSeen {
			f.Online = new(bool)
			visible = append(visible, f.ID)
		}
		friends = append(friends, f)
	}
	if err := rows.Err(); err != nil {
		return nil, s.dbErr(err)
	}
	s.showOnline(friends, visible)
	return friends, nil
}

// showOnline fills in who is connected. While that cannot be found out the friends are shown as not online, as their list does
// not depend on it.
func (s *Service) showOnline(friends []Friend, visible []int64) {
	if s.Online == nil || len(visible) == 0 {
		return
	}
	online, err := s.Online(visible)
	if err != nil {
		s.Log.Warn("it cannot be found out which friends are online", "err", err)
		return
	}
	for _, f := range friends {
		if f.Online != nil {
			*f.Online = online[f.ID]
		}
	}
}

// AddFriend says whether the friend is new. CodeNotFound (unknown or deleted), CodeValidation (oneself), CodeLimitReached.
func (s *Service) AddFriend(ctx context.Context, userID, friendID int64) (User, bool, error) {
	if userID == friendID {
		return User{}, false, Invalid("friend_id", "invalid", "One is not one's own friend.")
	}
	var target *ent.User
	var added bool
	err := s.tx(ctx, func(tx *ent.Tx) (err error) {
		if target, err = s.lockPair(ctx, tx, userID, friendID); err != nil {
			return err
		}
		added, err = s.insertFriend(ctx, tx, userID, friendID)
		return err
	})
	if err != nil {
		return User{}, false, err
	}
	return userOf(target), added, nil
}

func (s *Service) insertFriend(ctx context.Context, tx *ent.Tx, userID, friendID int64) (added bool, err error) {
	there, err := tx.Friend.Query().Where(friend.UserID(userID), friend.TargetID(friendID)).Exist(ctx)
	if err != nil || there {
		return false, err
	}
	n, err := tx.Friend.Query().Where(friend.UserID(userID)).Count(ctx)
	if err != nil {
		return false, err
	}
	if n >= s.Limits.Friends {
		return false, refuse(CodeLimitReached, "You have %d friends, which is as many as one can have. Remove one first.", n)
	}
	return true, tx.Friend.Create().SetUserID(userID).SetTargetID(friendID).SetCreatedAt(At(s.Now()).Time).Exec(ctx)
}

// RemoveFriend succeeds also when there was none.
func (s *Service) RemoveFriend(ctx context.Context, userID, friendID int64) error {
	return s.tx(ctx, func(tx *ent.Tx) error { return deleteFriend(ctx, tx, userID, friendID) })
}

func deleteFriend(ctx context.Context, tx *ent.Tx, userID, friendID int64) error {
	_, err := tx.Friend.Delete().Where(friend.UserID(userID), friend.TargetID(friendID)).Exec(ctx)
	return err
}
