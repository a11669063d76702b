package chat_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/testenv"
)

// BenchmarkSend is the way of a message into the database: so many senders at once, into eight groups.
//
//	go test -bench Send -benchtime 20000x -run '^$' ./chat
func BenchmarkSend(b *testing.B) {
	for _, url := range []struct {
		name string
		of   func(testing.TB) string
	}{{"mysql", testenv.MariaDB}, {"sqlite", testenv.SQLite}} {
		for _, senders := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("%s/senders=%d", url.name, senders), func(b *testing.B) { benchmarkSend(b, url.of(b), senders) })
		}
	}
}

func benchmarkSend(b *testing.B, url string, senders int) {
	ctx := context.Background()
	db, err := database.Open(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	s := chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Limits: chat.DefaultLimits(), Log: slog.New(slog.DiscardHandler)})
	defer s.Close()
	a, err := s.SignUp(ctx, "dodam", password, "")
	if err != nil {
		b.Fatal(err)
	}
	var groups []int64
	for range 8 {
		g, _, err := s.CreateChat(ctx, a.User.ID, chat.NewChat{})
		if err != nil {
			b.Fatal(err)
		}
		groups = append(groups, g.ID)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range senders {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if _, _, err := s.SendMessage(ctx, a.User.ID, groups[i%8], "a message of the usual length, more or less", fmt.Sprint("k", i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
