package chat_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
)

// What happens to the members of a group, one after the other: who is told what, and who owns it then.
func TestMembersComeAndGo(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve", "kim", "blocker", "gone")
		ann, bob, eve, kim, blocker, gone := u[0], u[1], u[2], u[3], u[4], u[5]
		names := map[int64]string{ann: "ann", bob: "bob", eve: "eve", kim: "kim"}
		g := s.group(t, ann, bob)
		s.block(t, blocker, bob)
		s.deleteUser(t, gone)
		s.send(t, ann, g, "one")
		s.takeEvents(t, g, names)
		add := func(user, target int64) error { return third(s.AddMember(t.Context(), user, g, target)) }
		remove := func(user, target int64) error { return s.RemoveMember(t.Context(), user, g, target) }
		for _, step := range []struct {
			name string
			do   func() error
			code chat.Code
			told []string
		}{
			{"a stranger adds", func() error { return add(eve, kim) }, chat.CodeNotFound, nil},
			{"a member adds", func() error { return add(bob, eve) }, "", []string{"3 member.added of eve by bob"}},
			{"adds again", func() error { return add(ann, eve) }, "", nil},
			{"adds nobody", func() error { return add(ann, 1<<40) }, chat.CodeNotFound, nil},
			{"adds who is gone", func() error { return add(ann, gone) }, chat.CodeNotFound, nil},
			{"adds who blocked them", func() error { return add(bob, blocker) }, chat.CodeBlocked, nil},
			{"another adds the same", func() error { return add(ann, blocker) }, "", []string{"4 member.added of ? by ann"}},
			{"who blocked leaves", func() error { return remove(blocker, blocker) }, "", []string{"5 member.removed of ? by ?"}},
			{"a member removes another", func() error { return remove(bob, eve) }, chat.CodeForbidden, nil},
			{"a member removes nobody", func() error { return remove(bob, kim) }, chat.CodeForbidden, nil},
			{"a stranger removes", func() error { return remove(kim, eve) }, chat.CodeNotFound, nil},
			{"the owner removes who is not in", func() error { return remove(ann, kim) }, chat.CodeNotFound, nil},
			{"the owner removes", func() error { return remove(ann, bob) }, "", []string{"6 member.removed of bob by ann"}},
			{"who was removed is gone", func() error { return remove(bob, bob) }, chat.CodeNotFound, nil},
			{"comes back, the newest now", func() error { return add(eve, bob) }, "", []string{"7 member.added of bob by eve"}},
			{"a member titles", func() error { return second(s.SetTitle(t.Context(), eve, g, "x")) }, chat.CodeForbidden, nil},
			{"the owner titles", func() error { return second(s.SetTitle(t.Context(), ann, g, "x")) }, "", []string{"8 chat.updated by ann"}},
			{"the same again", func() error { return second(s.SetTitle(t.Context(), ann, g, "x")) }, "", nil},
			{"a long title", func() error { return second(s.SetTitle(t.Context(), ann, g, string(make([]rune, 101)))) }, chat.CodeValidation, nil},
			{"a member deletes the chat", func() error { return s.DeleteChat(t.Context(), bob, g) }, chat.CodeForbidden, nil},
			{"the owner leaves, the longest-standing follows", func() error { return remove(ann, ann) }, "", []string{"9 member.removed of ann by ann", "10 chat.updated by ann"}},
			{"the new owner titles", func() error { return second(s.SetTitle(t.Context(), eve, g, "y")) }, "", []string{"11 chat.updated by eve"}},
			{"a member leaves", func() error { return remove(bob, bob) }, "", []string{"12 member.removed of bob by bob"}},
			{"the last one leaves", func() error { return remove(eve, eve) }, "", []string{"13 member.removed of eve by eve"}},
			{"nobody is in", func() error { return add(eve, bob) }, chat.CodeNotFound, nil},
		} {
			err := step.do()
			if codeOf(err) != step.code || step.code == "" && err != nil {
				t.Errorf("%s: %v, want %q", step.name, err, step.code)
			}
			wantLines(t, step.name, s.takeEvents(t, g, names), step.told...)
		}
		row := s.db.Client.Chat.GetX(t.Context(), g)
		if row.DeletedAt == nil || row.MemberCount != 0 {
			t.Errorf("in the end the chat is %+v", row)
		}
	})
}

func TestTheOwnerDeletesAGroup(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		g := s.group(t, u...)
		must(t, s.DeleteChat(t.Context(), u[0], g))
		wantLines(t, "told", s.takeEvents(t, g, map[int64]string{u[0]: "ann"}), "1 chat.created by ann", "2 chat.deleted by ann")
		for _, user := range u {
			wantCode(t, second(s.Chat(t.Context(), user, g)), chat.CodeNotFound)
			wantCode(t, third(s.SendMessage(t.Context(), user, g, "x", "")), chat.CodeNotFound)
			wantCode(t, s.DeleteChat(t.Context(), user, g), chat.CodeNotFound)
		}
		stays, err := s.Stays(t.Context(), []int64{g})
		if err != nil || len(stays) != 2 || stays[0].Left != 2 || stays[1].Left != 2 {
			t.Errorf("stays %+v, %v", stays, err)
		}
		infos, err := s.Infos(t.Context(), []int64{g})
		if err != nil || len(infos) != 1 || infos[0].MemberCount != 0 || infos[0].Version != 2 || infos[0].Users == nil {
			t.Errorf("infos %+v, %v", infos, err)
		}
	})
}

// Who comes in sees what is said from then on, also who left and comes back.
func TestWhoComesInSeesWhatIsSaidFromThenOn(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		g := s.group(t, u[0])
		first := s.send(t, u[0], g, "first")
		s.clock.advance(time.Second)
		m, isNew, err := s.AddMember(t.Context(), u[0], g, u[1])
		if err != nil || !isNew || m.ID != u[1] || *m.Username != "bob" || m.Role != chat.RoleMember || *m.LastMessageID != first.ID || m.JoinedAt != chat.At(s.clock.Now()) {
			t.Errorf("added %+v, %v, %v", m, isNew, err)
		}
		s.clock.advance(time.Second)
		if again, isNew, err := s.AddMember(t.Context(), u[0], g, u[1]); err != nil || isNew || again.JoinedAt != m.JoinedAt {
			t.Errorf("added again %+v, %v, %v", again, isNew, err)
		}
		if c := s.see(t, u[1], g); c.FirstSeq != 2 || c.LastMessage != nil || c.UnreadCount != 0 || *c.LastReadMessageID != first.ID {
			t.Errorf("sees %+v", c)
		}
		wantCode(t, second(s.MarkRead(t.Context(), u[1], g, first.ID)), "") // their marker, though not seen
		wantCode(t, second(s.DeleteMessage(t.Context(), u[1], g, first.ID)), chat.CodeNotFound)
		s.send(t, u[0], g, "second")
		wantLines(t, "shown", s.shown(t, u[1], g), "second")
		must(t, s.RemoveMember(t.Context(), u[0], g, u[1]))
		missed := s.send(t, u[0], g, "third")
		must(t, third(s.AddMember(t.Context(), u[0], g, u[1])))
		wantLines(t, "shown who came back", s.shown(t, u[1], g))
		wantCode(t, second(s.MarkRead(t.Context(), u[1], g, first.ID)), chat.CodeNotFound)
		wantCode(t, second(s.EditMessage(t.Context(), u[1], g, missed.ID, "x")), chat.CodeNotFound)
		must(t, second(s.EditMessage(t.Context(), u[0], g, first.ID, "edited")))
		page, err := s.ChangedAfter(t.Context(), u[1], g, 0, 100)
		if err != nil || len(page.Messages) != 0 {
			t.Errorf("of changes to what they did not see, they are shown %+v, %v", page, err)
		}
	})
}

func TestMarkRead(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve")
		ann, bob := u[0], u[1]
		names := map[int64]string{ann: "ann", bob: "bob"}
		g, d := s.group(t, u...), s.direct(t, ann, bob)
		var ids []int64
		for range 3 {
			ids = append(ids, s.send(t, ann, g, "x").ID)
		}
		elsewhere := s.send(t, ann, d, "x")
		s.takeEvents(t, g, names)
		s.takeEvents(t, d, names)
		s.told.take()
		for _, step := range []struct {
			name    string
			message int64
			code    chat.Code
			marker  int64
			unread  int64
			told    []string
		}{
			{"the second", ids[1], "", ids[1], 1, []string{"4 message.read of bob by bob seq 2"}},
			{"again", ids[1], "", ids[1], 1, nil},
			{"an older one", ids[0], "", ids[1], 1, nil},
			{"of another chat", elsewhere.ID, chat.CodeNotFound, ids[1], 1, nil},
			{"of none", 1 << 40, chat.CodeNotFound, ids[1], 1, nil},
			{"the last", ids[2], "", ids[2], 0, []string{"4 message.read of bob by bob seq 3"}},
		} {
			read, err := s.MarkRead(t.Context(), bob, g, step.message)
			wantCode(t, err, step.code)
			if err == nil && (read.ChatID != g || read.UserID != bob || *read.LastMessageID != step.marker) {
				t.Errorf("%s: %+v, want %d", step.name, read, step.marker)
			}
			if c := s.see(t, bob, g); *c.LastReadMessageID != step.marker || c.UnreadCount != step.unread || c.Version != 4 {
				t.Errorf("%s: then sees %+v", step.name, c)
			}
			wantLines(t, step.name, s.takeEvents(t, g, names), step.told...)
			var to []int64
			for _, n := range s.told.take() {
				for _, e := range n.Ephemeral {
					if data := e.Data.(chat.ReadData); e.Type != chat.MessageRead || e.ChatID != g || data.UserID != bob || data.LastMessageID != step.marker {
						t.Errorf("%s: told %+v", step.name, e)
					}
					to = append(to, e.To...)
				}
			}
			slices.Sort(to)
			if want := []int64{ann, u[2]}; step.told != nil && !slices.Equal(to, want) || step.told == nil && to != nil {
				t.Errorf("%s: told %v", step.name, to)
			}
		}
		must(t, second(s.MarkRead(t.Context(), bob, d, elsewhere.ID)))
		wantLines(t, "in the direct chat", s.takeEvents(t, d, names), "2 message.read of bob by bob seq 1")
		for _, n := range s.told.take() {
			if len(n.Ephemeral) != 0 {
				t.Errorf("in a direct chat, where the other side finds it in the inbox, told %+v", n)
			}
		}
	})
}

func TestReadersOfALargeGroupAreNotTold(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t), func(c *chat.Config) { c.Limits.ReadersShown = 2 })
	u := s.users(t, "ann", "bob", "eve")
	for _, g := range []int64{s.group(t, u[:2]...), s.group(t, u...)} {
		m := s.send(t, u[0], g, "x")
		s.told.take()
		must(t, second(s.MarkRead(t.Context(), u[1], g, m.ID)))
		told := 0
		for _, n := range s.told.take() {
			told += len(n.Ephemeral)
		}
		if small := s.see(t, u[0], g).MemberCount == 2; small != (told == 1) {
			t.Errorf("small: %v, told %d times", small, told)
		}
	}
}

// Two devices at once, through two nodes: the further one stays, and each move is told once.
func TestTheFurtherMarkerStays(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		nodes := []*service{s, s.again(t)}
		u := s.users(t, "ann", "bob")
		g := s.group(t, u...)
		var ids []int64
		for range 20 {
			ids = append(ids, s.send(t, u[0], g, "x").ID)
		}
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				wantCode(t, patiently(func() error {
					read, err := nodes[i%2].MarkRead(t.Context(), u[1], g, id)
					if err == nil && *read.LastMessageID < id {
						t.Errorf("marked %d as read, and was answered %+v", id, read)
					}
					return err
				}), "")
			})
		}
		wg.Wait()
		if c := s.see(t, u[1], g); *c.LastReadMessageID != ids[19] || c.UnreadCount != 0 {
			t.Errorf("sees %+v", c)
		}
		events, err := s.Outbox(t.Context(), []int64{g}, 1000)
		must(t, err)
		told := map[int64]int{}
		for _, e := range events {
			if e.Type == chat.MessageRead {
				told[e.Seq]++
			}
		}
		if told[20] != 1 {
			t.Errorf("told %v", told)
		}
	})
}

func TestMuteAndTyping(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve", "stranger")
		g := s.group(t, u[:3]...)
		for _, muted := range []bool{true, true, false} {
			m, err := s.SetMuted(t.Context(), u[1], g, muted)
			if err != nil || m.Muted != muted || m.ID != u[1] || s.see(t, u[1], g).Muted != muted || s.see(t, u[0], g).Muted {
				t.Errorf("muted %v: %+v, %v", muted, m, err)
			}
		}
		wantCode(t, second(s.SetMuted(t.Context(), u[3], g, true)), chat.CodeNotFound)
		s.told.take()
		must(t, s.SendTyping(t.Context(), u[1], g))
		wantCode(t, s.SendTyping(t.Context(), u[3], g), chat.CodeNotFound)
		told := s.told.take()
		if len(told) != 1 || len(told[0].Ephemeral) != 1 {
			t.Fatalf("told %+v", told)
		}
		e := told[0].Ephemeral[0]
		slices.Sort(e.To)
		if e.Type != chat.Typing || e.ChatID != g || e.Data != (chat.TypingData{UserID: u[1]}) || !slices.Equal(e.To, []int64{u[0], u[2]}) || e.At != chat.At(s.clock.Now()) {
			t.Errorf("told %+v", e)
		}
	})
}

// Everybody comes, goes, removes and speaks at once, through two nodes: the stays of a member never overlap, versions have no gap, the count and
// the owner are right, and each message lies in the stay of who sent it.
func TestEverybodyComesAndGoesAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		nodes := []*service{s, s.again(t)}
		u := s.users(t, "ann", "bob", "eve", "kim", "lee")
		g := s.group(t, u...)
		var wg sync.WaitGroup
		for i, user := range u {
			for n, node := range nodes {
				wg.Go(func() {
					for step := range 8 {
						var err error
						switch other := u[(i+step)%len(u)]; (i + n + step) % 4 {
						case 0:
							err = third(node.SendMessage(t.Context(), user, g, "x", ""))
						case 1:
							err = third(node.AddMember(t.Context(), user, g, other))
						case 2:
							err = node.RemoveMember(t.Context(), user, g, other)
						case 3:
							if i > 0 { // somebody stays, or the chat ends
								err = node.RemoveMember(t.Context(), user, g, user)
							}
						}
						if code := codeOf(err); err != nil && code != chat.CodeNotFound && code != chat.CodeForbidden && code != chat.CodeUnavailable {
							t.Errorf("user %d: %v", user, err)
						}
					}
				})
			}
		}
		wg.Wait()
		s.checkHistory(t, g)
	})
}

// checkHistory holds the outbox, which nobody emptied, against the stays, the messages and the chat's row.
func (s *service) checkHistory(t *testing.T, chatID int64) {
	t.Helper()
	row := s.db.Client.Chat.GetX(t.Context(), chatID)
	events, err := s.Outbox(t.Context(), []int64{chatID}, 1e6)
	must(t, err)
	stays, err := s.Stays(t.Context(), []int64{chatID})
	must(t, err)
	at := func(user, version int64) (in []chat.Stay) {
		for _, stay := range stays {
			if stay.UserID == user && stay.Joined <= version && (stay.Left == 0 || version <= stay.Left) {
				in = append(in, stay)
			}
		}
		return in
	}
	var seq int64
	for i, e := range events {
		if e.Version != int64(i+1) {
			t.Fatalf("event %d has version %d", i, e.Version)
		}
		switch e.Type {
		case chat.MessageCreated:
			if seq++; e.Seq != seq || len(at(e.ByID, e.Version)) != 1 || e.Seq <= at(e.ByID, e.Version)[0].JoinedSeq {
				t.Errorf("message %+v, by one with the stays %+v", e, at(e.ByID, e.Version))
			}
		case chat.MemberAdded:
			if in := at(e.UserID, e.Version); len(in) != 1 || in[0].Joined != e.Version || in[0].JoinedSeq != seq {
				t.Errorf("%+v begins %+v", e, in)
			}
		case chat.MemberRemoved:
			if in := at(e.UserID, e.Version); len(in) != 1 || in[0].Left != e.Version {
				t.Errorf("%+v ends %+v", e, in)
			}
		}
	}
	present := 0
	for _, stay := range stays {
		if stay.Left == 0 {
			present++
		}
	}
	if row.Version != int64(len(events)) || row.LastSeq != seq || row.MemberCount != present || (present == 0) != (row.DeletedAt != nil) {
		t.Errorf("the chat is %+v after %d events, %d messages, with %d in it", row, len(events), seq, present)
	}
	if present > 0 {
		members, err := s.Members(t.Context(), *row.OwnerID, chatID)
		must(t, err)
		for _, m := range members {
			if (m.Role == chat.RoleOwner) != (m.ID == *row.OwnerID) {
				t.Errorf("%+v in a chat that %d owns", m, *row.OwnerID)
			}
		}
	}
}

// Whoever deletes their account while they are brought into groups is in none in the end.
func TestNobodyIsBroughtInBehindADeletion(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ann, target := s.users(t, "ann")[0], s.signUp(t, "bob")
		who := s.session(t, target)
		g := s.group(t, ann)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					for what, err := range map[string]error{
						"AddMember":  third(s.AddMember(t.Context(), ann, g, who.UserID)),
						"CreateChat": third(s.CreateChat(t.Context(), ann, chat.NewChat{UserIDs: []int64{who.UserID}})),
					} {
						if code := codeOf(err); err != nil && code != chat.CodeNotFound && code != chat.CodeValidation && code != chat.CodeUnavailable {
							t.Errorf("%s: %v", what, err)
						}
					}
				}
			})
		}
		wg.Go(func() {
			wantCode(t, patiently(func() error { return s.DeleteAccount(t.Context(), who, password) }), "")
		})
		wg.Wait()
		page, err := s.Chats(t.Context(), who.UserID, chat.Page{Limit: 100})
		if err != nil || len(page.Chats) != 0 {
			t.Errorf("the deleted user is in %d chats, %v", len(page.Chats), err)
		}
		s.checkHistory(t, g)
	})
}

// An account whose deletion is not committed yet: who brings its user into a chat waits for that, and finds no user.
func TestWhoBringsInADeletedUserWaitsForTheDeletion(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.MariaDB(t))
	u := s.users(t, "ann", "bob")
	g := s.group(t, u[0])
	for name, c := range map[string]struct {
		bring func(target int64) error
		code  chat.Code
	}{
		"AddMember": {func(target int64) error { return third(s.AddMember(t.Context(), u[0], g, target)) }, chat.CodeNotFound},
		"a group": {func(target int64) error {
			return third(s.CreateChat(t.Context(), u[0], chat.NewChat{UserIDs: []int64{target}}))
		}, chat.CodeValidation},
		"a direct chat": {func(target int64) error {
			return third(s.CreateChat(t.Context(), u[0], chat.NewChat{Kind: chat.KindDirect, UserIDs: []int64{target}}))
		}, chat.CodeValidation},
		"their own": {func(target int64) error { return third(s.CreateChat(t.Context(), target, chat.NewChat{})) }, chat.CodeUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			target := s.users(t, "user"+strings.ReplaceAll(name, " ", ""))[0]
			deletion, err := s.db.SQL.BeginTx(t.Context(), nil)
			must(t, err)
			defer func() { _ = deletion.Rollback() }()
			must(t, second(deletion.Exec("UPDATE users SET deleted_at = NOW(3) WHERE id = ?", target)))
			brought := make(chan error, 1)
			go func() { brought <- c.bring(target) }()
			eventually(t, "it waits for the user's row", func() bool {
				waits := 0
				must(t, s.db.SQL.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'SELECT `users`%FOR UPDATE'").Scan(&waits))
				return waits > 0 || len(brought) > 0
			})
			must(t, deletion.Commit())
			wantCode(t, <-brought, c.code)
		})
	}
}
