package chat_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doran/chat"
	"doran/ent"
	"doran/ent/outbox"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// group makes a group of these, the first of whom owns it.
func (s *service) group(t *testing.T, users ...int64) int64 {
	t.Helper()
	c, _, err := s.CreateChat(t.Context(), users[0], chat.NewChat{UserIDs: users[1:]})
	must(t, err)
	return c.ID
}

// direct opens the direct chat of two.
func (s *service) direct(t *testing.T, user, other int64) int64 {
	t.Helper()
	c, _, err := s.CreateChat(t.Context(), user, chat.NewChat{Kind: chat.KindDirect, UserIDs: []int64{other}})
	must(t, err)
	return c.ID
}

// send says something in a chat.
func (s *service) send(t *testing.T, user, chatID int64, content string) chat.Message {
	t.Helper()
	m, _, err := s.SendMessage(t.Context(), user, chatID, content, "")
	must(t, err)
	return m
}

// see is the chat as the user sees it.
func (s *service) see(t *testing.T, user, chatID int64) chat.Chat {
	t.Helper()
	c, err := s.Chat(t.Context(), user, chatID)
	must(t, err)
	return c
}

// shown are the contents of what the user sees in the chat.
func (s *service) shown(t *testing.T, user, chatID int64) []string {
	t.Helper()
	page, err := s.Messages(t.Context(), user, chatID, chat.Page{Limit: 100})
	must(t, err)
	contents := []string{}
	for _, m := range page.Messages {
		contents = append(contents, m.Content)
	}
	return contents
}

func (s *service) block(t *testing.T, user, target int64) {
	t.Helper()
	_, _, err := s.Block(t.Context(), user, target)
	must(t, err)
}

// deleteUser does to a user what the deletion of their account does before it leaves the groups.
func (s *service) deleteUser(t *testing.T, user int64) {
	t.Helper()
	must(t, s.db.Client.User.UpdateOneID(user).ClearUsername().ClearUsernameKey().SetDeletedAt(s.clock.Now()).Exec(t.Context()))
}

// takeEvents empties the outbox of the chat and gives what stood there, one line each, users by their names.
func (s *service) takeEvents(t *testing.T, chatID int64, names map[int64]string) []string {
	t.Helper()
	events, err := s.Outbox(t.Context(), []int64{chatID}, 1e6)
	must(t, err)
	s.db.Client.Outbox.Delete().Where(outbox.ChatID(chatID)).ExecX(t.Context())
	var lines []string
	for _, e := range events {
		line := fmt.Sprintf("%d %s", e.Version, e.Type)
		for _, who := range []struct {
			role string
			id   int64
		}{{"of", e.UserID}, {"by", e.ByID}, {"only", e.OnlyID}} {
			if who.id != 0 {
				line += " " + who.role + " " + cmp.Or(names[who.id], "?")
			}
		}
		if e.Seq != 0 {
			line += fmt.Sprint(" seq ", e.Seq)
		}
		if (e.MessageID == 0) != (e.Seq == 0) || e.At.IsZero() {
			t.Errorf("event %+v", e)
		}
		lines = append(lines, line)
	}
	return lines
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n\t%s\nwant:\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// hold keeps everybody else from writing to the chat until it is let go.
func (s *service) hold(t *testing.T, chatID int64) (letGo func()) {
	t.Helper()
	tx, err := s.db.SQL.BeginTx(t.Context(), nil)
	must(t, err)
	lock := "SELECT id FROM chats WHERE id = ? FOR UPDATE"
	if s.db.Dialect == dialect.SQLite { // BeginTx has taken the only lock
		lock = "SELECT id FROM chats WHERE id = ?"
	}
	must(t, tx.QueryRow(lock, chatID).Scan(new(int64)))
	t.Cleanup(func() { _ = tx.Rollback() })
	return func() { must(t, tx.Rollback()) }
}

// patiently asks again while the database is too busy to answer in time, as clients do: many at once on a machine that does much else.
func patiently(ask func() error) (err error) {
	for range 20 {
		if err = ask(); codeOf(err) != chat.CodeUnavailable {
			break
		}
	}
	return err
}

// watched is another node whose queries outside of transactions are seen before they are asked.
func (s *service) watched(t *testing.T, see func(query string)) *chat.Service {
	t.Helper()
	config := s.Config
	config.Client = ent.NewClient(ent.Driver(watchedDriver{entsql.OpenDB(s.db.Dialect, s.db.SQL), see}))
	node := chat.New(config)
	t.Cleanup(node.Close)
	return node
}

type watchedDriver struct {
	*entsql.Driver
	see func(query string)
}

func (d watchedDriver) Query(ctx context.Context, query string, args, v any) error {
	d.see(query)
	return d.Driver.Query(ctx, query, args, v)
}
