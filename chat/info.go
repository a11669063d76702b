package chat

import (
	"context"
	"slices"
	"strings"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/message"
)

// Chat is one chat as its member sees it. CodeNotFound for everybody else.
func (s *Service) Chat(ctx context.Context, userID, chatID int64) (Chat, error) {
	row, me, err := s.memberOf(ctx, userID, chatID)
	if err != nil {
		return Chat{}, err
	}
	chats, err := s.chatsOf(ctx, userID, []*ent.Chat{row}, map[int64]*ent.Member{chatID: me})
	if err != nil {
		return Chat{}, err
	}
	return chats[0], nil
}

// chatsOf shows chats to the member who has these stays in them.
func (s *Service) chatsOf(ctx context.Context, userID int64, rows []*ent.Chat, stays map[int64]*ent.Member) ([]Chat, error) {
	infos, err := s.infosOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, r := range rows {
		if r.LastMessageID != nil && r.LastSeq > stays[r.ID].JoinedSeq {
			ids = append(ids, *r.LastMessageID)
		}
	}
	last, err := s.Client.Message.Query().Where(message.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	chats := make([]Chat, len(rows))
	for i, r := range rows {
		me := stays[r.ID]
		chats[i] = Chat{Info: infos[i], FirstSeq: me.JoinedSeq + 1, LastReadMessageID: me.LastMessageID,
			UnreadCount: max(0, r.LastSeq-max(me.ReadSeq, me.JoinedSeq)), Muted: me.Muted}
		for _, m := range last {
			if m.ChatID == r.ID {
				shown := messageOf(m).For(userID)
				chats[i].LastMessage = &shown
			}
		}
	}
	return chats, nil
}

// Infos are these chats as they are now, deleted ones included.
func (s *Service) Infos(ctx context.Context, ids []int64) ([]Info, error) {
	rows, err := s.Client.Chat.Query().Where(entchat.IDIn(ids...)).Order(entchat.ByID()).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	return s.infosOf(ctx, rows)
}

func (s *Service) infosOf(ctx context.Context, rows []*ent.Chat) ([]Info, error) {
	shown, err := s.usersShown(ctx, rows)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, users := range shown {
		ids = append(ids, users...)
	}
	slices.Sort(ids)
	users, err := s.Users(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]User, len(users))
	for _, u := range users {
		byID[u.ID] = u
	}
	infos := make([]Info, len(rows))
	for i, r := range rows {
		infos[i] = Info{ID: r.ID, Kind: r.Kind, Title: r.Title, OwnerID: r.OwnerID, MemberCount: r.MemberCount, Users: []User{},
			CreatedAt: At(r.CreatedAt), Version: r.Version}
		for _, id := range shown[r.ID] {
			infos[i].Users = append(infos[i].Users, byID[id])
		}
	}
	return infos, nil
}

// usersShown are both of a direct chat, whoever deleted it or their account, and the five longest-standing of a group.
func (s *Service) usersShown(ctx context.Context, rows []*ent.Chat) (map[int64][]int64, error) {
	shown := map[int64][]int64{}
	var groups []any
	for _, r := range rows {
		if isDirect(r) {
			shown[r.ID] = []int64{*r.LowUserID, *r.HighUserID}
		} else {
			groups = append(groups, r.ID)
		}
	}
	if len(groups) == 0 {
		return shown, nil
	}
	found, err := s.DB.QueryContext(ctx, `SELECT chat_id, user_id FROM (
		SELECT chat_id, user_id, id, ROW_NUMBER() OVER (PARTITION BY chat_id ORDER BY id) AS place
		FROM members WHERE left_version = 0 AND chat_id IN (?`+strings.Repeat(", ?", len(groups)-1)+`)
	) AS standing WHERE place <= 5 ORDER BY id`, groups...)
	if err != nil {
		return nil, s.dbErr(err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var chatID, userID int64
		if err := found.Scan(&chatID, &userID); err != nil {
			return nil, s.dbErr(err)
		}
		shown[chatID] = append(shown[chatID], userID)
	}
	return shown, s.dbErr(found.Err())
}
