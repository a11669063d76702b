package chat

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/member"
	"doran/ent/predicate"

	"entgo.io/ent/dialect/sql"
)

// Page says which part of a list is asked for. Limit is 1..100.
type Page struct {
	Limit         int
	Next          string // chats: what the answer before gave, "" at the start
	Before, After int64  // messages: exclusive ids, 0 is not given; chats: After, ascending by id, when AfterSet
	AfterSet      bool
}

// ChatPage is one page; Next is nil on the last.
type ChatPage struct {
	Chats []Chat  `json:"chats"`
	Next  *string `json:"next"`
}

// Chats are the user's, the newest message (or creation) first; with AfterSet ascending by id, so that none is missed
// between pages. A page costs a fixed number of queries.
func (s *Service) Chats(ctx context.Context, userID int64, p Page) (ChatPage, error) {
	q := s.Client.Chat.Query().Where(isIn(userID)).Limit(p.Limit + 1)
	switch {
	case p.AfterSet:
		q.Where(entchat.IDGT(p.After)).Order(entchat.ByID())
	default:
		q.Order(entchat.ByActiveAt(sql.OrderDesc()), entchat.ByID(sql.OrderDesc()))
		if p.Next != "" {
			at, id, err := parseNext(p.Next)
			if err != nil {
				return ChatPage{}, err
			}
			q.Where(entchat.Or(entchat.ActiveAtLT(at), entchat.And(entchat.ActiveAt(at), entchat.IDLT(id))))
		}
	}
	rows, err := q.All(ctx)
	if err != nil {
		return ChatPage{}, s.dbErr(err)
	}
	var page ChatPage
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		next := nextOf(rows[p.Limit-1], p.AfterSet)
		page.Next = &next
	}
	stays, err := s.staysOf(ctx, userID, rows)
	if err != nil {
		return ChatPage{}, err
	}
	// Who was removed since the first query is not shown the chat.
	rows = slices.DeleteFunc(rows, func(r *ent.Chat) bool { return stays[r.ID] == nil })
	page.Chats, err = s.chatsOf(ctx, userID, rows, stays)
	return page, err
}

// isIn: the user has a stay in the chat that lasts.
func isIn(userID int64) predicate.Chat {
	return func(q *sql.Selector) {
		m := sql.Table(member.Table)
		q.Where(sql.In(q.C(entchat.FieldID), sql.Select(m.C(member.FieldChatID)).From(m).
			Where(sql.And(sql.EQ(m.C(member.FieldUserID), userID), sql.EQ(m.C(member.FieldLeftVersion), 0)))))
	}
}

// nextOf is where the page after this chat begins: "MILLISECONDS.ID", or with after= the id.
func nextOf(last *ent.Chat, byID bool) string {
	if byID {
		return strconv.FormatInt(last.ID, 10)
	}
	return fmt.Sprintf("%d.%d", last.ActiveAt.UnixMilli(), last.ID)
}

func parseNext(s string) (time.Time, int64, error) {
	ms, id, ok := strings.Cut(s, ".")
	at, err := strconv.ParseInt(ms, 10, 64)
	chatID, err2 := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil || err2 != nil || fmt.Sprintf("%d.%d", at, chatID) != s || at < 0 || at > 253402300799999 || chatID < 1 {
		return time.Time{}, 0, Invalid("next", "invalid", "is not what an answer before gave as next")
	}
	return time.UnixMilli(at).UTC(), chatID, nil
}

func (s *Service) staysOf(ctx context.Context, userID int64, rows []*ent.Chat) (map[int64]*ent.Member, error) {
	members, err := s.Client.Member.Query().Where(member.UserID(userID), member.LeftVersion(0), member.ChatIDIn(idsOf(rows)...)).All(ctx)
	stays := make(map[int64]*ent.Member, len(members))
	for _, m := range members {
		stays[m.ChatID] = m
	}
	return stays, s.dbErr(err)
}

func idsOf(rows []*ent.Chat) []int64 {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return ids
}
