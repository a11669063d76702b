package chat

import "context"

// PresenceData is the data of a presence event.
type PresenceData struct {
	UserID int64 `json:"user_id"`
	Online bool  `json:"online"`
}

// watchersQuery finds mutual friends, neither of whom blocked the other: those on whose list the user's dot is.
const watchersQuery = `SELECT f.target_id FROM friends f
	JOIN friends m ON m.user_id = f.target_id AND m.target_id = f.user_id
	WHERE f.user_id = ?
	AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = f.user_id AND b.target_id = f.target_id)
	AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = f.target_id AND b.target_id = f.user_id)`

// TellPresence tells the mutual friends of a user who lets themselves be seen that the user came or went.
func (s *Service) TellPresence(ctx context.Context, userID int64, online bool) error {
	me, err := s.Me(ctx, userID)
	if err != nil {
		return err
	}
	if !me.Presence {
		return nil
	}
	to, err := s.watchers(ctx, userID)
	if err == nil && len(to) > 0 {
		s.announcePresence(to, userID, online)
	}
	return err
}

// presenceChanged tells the friends of a user who shows or hides themselves what they see from now on. It is lost when the
// database is; the friends' lists say the same.
func (s *Service) presenceChanged(ctx context.Context, userID int64, visible bool) {
	to, err := s.watchers(ctx, userID)
	if err != nil {
		s.Log.Warn("friends cannot be told that a user shows or hides themselves", "user", userID, "err", err)
		return
	}
	if len(to) > 0 && (!visible || s.isOnline(userID)) { // who saw nothing sees somebody who is offline
		s.announcePresence(to, userID, visible)
	}
}

func (s *Service) isOnline(userID int64) bool {
	if s.Online == nil {
		return false
	}
	online, err := s.Online([]int64{userID})
	return err == nil && online[userID]
}

func (s *Service) announcePresence(to []int64, userID int64, online bool) {
	s.announce(News{Ephemeral: []Ephemeral{{Type: Presence, At: At(s.Now()), Data: PresenceData{userID, online}, To: to}}})
}

func (s *Service) watchers(ctx context.Context, userID int64) ([]int64, error) {
	rows, err := s.DB.QueryContext(ctx, watchersQuery, userID)
	if err != nil {
		return nil, s.dbErr(err)
	}
	defer func() { _ = rows.Close() }()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, s.dbErr(err)
		}
		ids = append(ids, id)
	}
	return ids, s.dbErr(rows.Err())
}
