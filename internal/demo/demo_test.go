package demo_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/demo"
	"doran/internal/testenv"
)

// A guest finds a group and a direct chat with something unread in them, and is answered.
func TestGuestIsAnswered(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	db, err := database.Open(ctx, testenv.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	s := chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Limits: chat.DefaultLimits(), Log: slog.New(slog.DiscardHandler)})
	defer s.Close()
	town, err := demo.Fill(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := s.Login(ctx, town.Guest.Username, town.Guest.Password, "test")
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Chats(ctx, guest.User.ID, chat.Page{Limit: 10})
	if err != nil || len(page.Chats) != 2 {
		t.Fatalf("the guest has %d chats (%v), want a group and a direct one", len(page.Chats), err)
	}
	for _, c := range page.Chats {
		if c.UnreadCount == 0 || c.LastMessage == nil {
			t.Errorf("the %s chat has nothing to read: %+v", c.Kind, c)
		}
	}
	direct := page.Chats[slices.IndexFunc(page.Chats, func(c chat.Chat) bool { return c.Kind == chat.KindDirect })]
	asked, _, err := s.SendMessage(ctx, guest.User.ID, direct.ID, "안녕하세요?", "")
	if err != nil {
		t.Fatal(err)
	}
	lived := make(chan struct{})
	live, stop := context.WithCancel(ctx)
	go func() {
		defer close(lived)
		town.Live(live)
	}()
	for {
		answers, err := s.Messages(ctx, guest.User.ID, direct.ID, chat.Page{Limit: 10, After: asked.ID, AfterSet: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(answers.Messages) > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	<-lived
}
