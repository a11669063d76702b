package chat

import (
	"context"
	"errors"

	"doran/ent"
	entchat "doran/ent/chat"
)

// leaveGroups takes a user out of every group, each in a transaction of its own. It can be repeated; direct chats stay readable to
// the other side, so they are not left.
func (s *Service) leaveGroups(ctx context.Context, userID int64) error {
	ids, err := s.Client.Chat.Query().Where(isIn(userID), entchat.Kind(KindGroup)).Order(entchat.ByID()).IDs(ctx)
	if err != nil {
		return s.dbErr(err)
	}
	for _, id := range ids {
		err := s.change(ctx, userID, id, func(c *change, me *ent.Member) error { return c.remove(ctx, me, userID) })
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// inGroups are users who deleted their account and are still in a group: their node died before it had taken them out.
func (s *Service) inGroups(ctx context.Context) ([]int64, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT u.id FROM users u JOIN members m ON m.user_id = u.id JOIN chats c ON c.id = m.chat_id
		WHERE u.deleted_at IS NOT NULL AND m.left_version = 0 AND c.kind = ? LIMIT 100`, KindGroup)
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
