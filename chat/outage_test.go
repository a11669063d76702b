package chat_test

import (
	"sync"
	"testing"

	"doran/chat"
	"doran/internal/testenv"
)

// Every method of the conversation tells a database that is gone from a defect, in about three seconds.
func TestEveryConversationSaysThatTheDatabaseIsGone(t *testing.T) {
	for how, lose := range map[string]func(*testenv.MariaDBServer){
		"killed": (*testenv.MariaDBServer).Kill,
		"frozen": (*testenv.MariaDBServer).Stop,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			server := testenv.NewMariaDB(t)
			defer server.Cont() // before the cleanup, which drops the database
			s := newService(t, server.Database(t))
			u := s.users(t, "ann", "bob")
			g := s.group(t, u[0])
			m := s.send(t, u[0], g, "x")
			lose(server)
			ctx, ann, bob := t.Context(), u[0], u[1]
			var all sync.WaitGroup
			for name, call := range map[string]func() error{
				"CreateChat": func() error { return third(s.CreateChat(ctx, ann, chat.NewChat{ClientID: "a"})) },
				"CreateDirect": func() error {
					return third(s.CreateChat(ctx, ann, chat.NewChat{Kind: chat.KindDirect, UserIDs: u[1:]}))
				},
				"Chat":          func() error { return second(s.Chat(ctx, ann, g)) },
				"Chats":         func() error { return second(s.Chats(ctx, ann, chat.Page{Limit: 1})) },
				"SetTitle":      func() error { return second(s.SetTitle(ctx, ann, g, "x")) },
				"DeleteChat":    func() error { return s.DeleteChat(ctx, ann, g) },
				"SendTyping":    func() error { return s.SendTyping(ctx, ann, g) },
				"Members":       func() error { return second(s.Members(ctx, ann, g)) },
				"AddMember":     func() error { return third(s.AddMember(ctx, ann, g, bob)) },
				"RemoveMember":  func() error { return s.RemoveMember(ctx, ann, g, ann) },
				"MarkRead":      func() error { return second(s.MarkRead(ctx, ann, g, m.ID)) },
				"SetMuted":      func() error { return second(s.SetMuted(ctx, ann, g, true)) },
				"SendMessage":   func() error { return third(s.SendMessage(ctx, ann, g, "x", "")) },
				"SendOnce":      func() error { return third(s.SendMessage(ctx, ann, g, "x", "a")) },
				"Messages":      func() error { return second(s.Messages(ctx, ann, g, chat.Page{Limit: 1})) },
				"ChangedAfter":  func() error { return second(s.ChangedAfter(ctx, ann, g, 0, 1)) },
				"EditMessage":   func() error { return second(s.EditMessage(ctx, ann, g, m.ID, "y")) },
				"DeleteMessage": func() error { return second(s.DeleteMessage(ctx, ann, g, m.ID)) },
				"Outbox":        func() error { return second(s.Outbox(ctx, []int64{g}, 1)) },
				"OverdueChats":  func() error { return second(s.OverdueChats(ctx, chat.At(s.clock.Now()), 1)) },
				"Outstanding":   func() error { return second(s.Outstanding(ctx, g, 1)) },
				"Delivered":     func() error { return s.Delivered(ctx, 1, []int64{1}) },
				"Stays":         func() error { return second(s.Stays(ctx, []int64{g})) },
				"LastStays":     func() error { return second(s.LastStays(ctx, u, []int64{g})) },
				"Versions":      func() error { return second(s.Versions(ctx, ann)) },
				"Bodies":        func() error { return second(s.Bodies(ctx, []int64{m.ID})) },
				"Infos":         func() error { return second(s.Infos(ctx, []int64{g})) },
				"Epoch":         func() error { return third(s.Epoch(ctx)) },
				"BeginEpoch":    func() error { return second(s.BeginEpoch(ctx, 0, "redis")) },
			} {
				all.Go(func() { wantUnavailableSoon(t, name, call) })
			}
			all.Wait()
		})
	}
}
