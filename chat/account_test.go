package chat_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"doran/chat"
	"doran/ent/block"
	"doran/ent/friend"
	"doran/ent/token"
	"doran/internal/testenv"
)

func TestSignUp(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		in, err := s.SignUp(t.Context(), "Ｂob", password, "내 전화 📱")
		if err != nil {
			t.Fatal(err)
		}
		if in.User.ID < 1 || *in.User.Username != "Ｂob" || !in.User.CreatedAt.Equal(s.clock.Now()) {
			t.Errorf("signed up as %+v", in.User)
		}
		if want := chat.At(s.clock.Now().Add(s.Limits.TokenLifetime)); in.ExpiresAt != want {
			t.Errorf("expires %v, want %v", in.ExpiresAt, want)
		}
		if who := s.session(t, in); who.UserID != in.User.ID || who.ExpiresAt != in.ExpiresAt {
			t.Errorf("the token proves %+v", who)
		}
		row := s.db.Client.User.GetX(t.Context(), in.User.ID)
		if !strings.HasPrefix(row.Password, "$argon2id$v=19$m=") || *row.UsernameKey != "bob" {
			t.Errorf("stored %q, key %q", row.Password, *row.UsernameKey)
		}
		if stored := s.db.Client.Token.Query().OnlyX(t.Context()); len(stored.Hash) != 32 || strings.Contains(in.Token, string(stored.Hash)) {
			t.Errorf("stored of the token: %x", stored.Hash)
		}
	})
}

func TestSignUpRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		s.signUp(t, "bob")
		for name, test := range map[string]struct {
			username, password, device string
			code                       chat.Code
			fields                     []string
		}{
			"taken":            {"bob", password, "", chat.CodeUsernameTaken, nil},
			"taken in capital": {"BOB", password, "", chat.CodeUsernameTaken, nil},
			"taken, fullwidth": {"ｂＯb", password, "", chat.CodeUsernameTaken, nil},
			"everything wrong": {"b", "short", "a\nb", chat.CodeValidation, []string{"username", "password", "device"}},
			"long device":      {"eve", password, strings.Repeat("가", 101), chat.CodeValidation, []string{"device"}},
			"broken device":    {"eve", password, "\xff", chat.CodeValidation, []string{"device"}},
			"password":         {"eve", "", "", chat.CodeValidation, []string{"password"}},
		} {
			_, err := s.SignUp(t.Context(), test.username, test.password, test.device)
			wantCode(t, err, test.code)
			if fields := fieldsOf(err); !slices.Equal(fields, test.fields) {
				t.Errorf("%s: fields %v, want %v", name, fields, test.fields)
			}
			if err != nil && strings.Contains(strings.ToLower(err.Error()), "constraint") {
				t.Errorf("%s: %v tells of SQL", name, err)
			}
		}
		for _, name := range []string{"straße", "strasse", "bobb", "bob.", "ｂｏｂ2"} { // a collation would hold some to be equal
			s.signUp(t, name)
		}
		if n := s.db.Client.User.Query().CountX(t.Context()); n != 6 {
			t.Errorf("%d accounts, want 6", n)
		}
		if n := s.db.Client.Token.Query().CountX(t.Context()); n != 6 {
			t.Errorf("%d tokens, want 6", n)
		}
	})
}

func fieldsOf(err error) []string {
	var fields []string
	if e, ok := err.(*chat.Error); ok {
		for _, f := range e.Fields {
			fields = append(fields, f.Field)
		}
	}
	return fields
}

func TestSignUpClosed(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t), func(c *chat.Config) { c.SignUpClosed = true })
	_, err := s.SignUp(t.Context(), "bob", password, "")
	wantCode(t, err, chat.CodeForbidden)
}

func TestOneNameIsGivenOnceToManyWhoAsk(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		nodes := []*service{s, s.again(t)}
		spellings := []string{"bob", "BOB", "Ｂob", "bOb"}
		codes := make([]chat.Code, 16)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() {
				_, err := nodes[i%2].SignUp(t.Context(), spellings[i%4], password, "")
				if codes[i] = codeOf(err); err != nil && codes[i] == "" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		slices.Sort(codes)
		if codes[0] != "" || codes[1] != chat.CodeUsernameTaken || codes[15] != chat.CodeUsernameTaken {
			t.Errorf("%q, want one account and username_taken for all others", codes)
		}
	})
}

func TestLogin(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		bob := s.signUp(t, "Ｂob").User
		for _, name := range []string{"Ｂob", "bob", "BOB"} {
			in, err := s.Login(t.Context(), name, password, "laptop")
			if err != nil || in.User.ID != bob.ID || *in.User.Username != "Ｂob" {
				t.Errorf("%q: %+v, %v", name, in, err)
				continue
			}
			if who := s.session(t, in); who.UserID != bob.ID {
				t.Errorf("the token proves %+v", who)
			}
		}
		_, err := s.Login(t.Context(), "bob", password, "a\x00")
		wantField(t, err, "device", "invalid")

		details := map[string]bool{}
		for _, try := range [][2]string{
			{"bob", "Correct horse"}, {"bob", password + " "}, {"bob", ""}, {"bob", "short"}, {"bob", "12345678\xff"}, {"bob", strings.Repeat("x", 60000)},
			{"nobody", password}, {"", password}, {"b", password}, {"bob ", password}, {"bo\u200bb", password}, {"bob'--", password},
		} {
			_, err := s.Login(t.Context(), try[0], try[1], "")
			wantCode(t, err, chat.CodeInvalidCredentials)
			details[err.Error()] = true
		}
		if len(details) != 1 {
			t.Errorf("the refusals differ: %v", details)
		}
	})
}

func TestLoginMakesWeakHashesAnew(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		bob := s.signUp(t, "bob").User.ID
		s.db.Client.User.UpdateOneID(bob).SetPassword(chat.HashWithCost(32, 1, password)).ExecX(t.Context())
		var all sync.WaitGroup
		for range 8 { // whoever is second finds another hash than the one that it proved
			all.Go(func() {
				_, err := s.Login(t.Context(), "bob", password, "")
				wantCode(t, err, "")
			})
		}
		all.Wait()
		if hash := s.db.Client.User.GetX(t.Context(), bob).Password; !strings.Contains(hash, "m=64,t=1,p=1") {
			t.Errorf("the hash is still %s", hash)
		}
		strong := chat.HashWithCost(128, 2, password)
		s.db.Client.User.UpdateOneID(bob).SetPassword(strong).ExecX(t.Context())
		_, err := s.Login(t.Context(), "bob", password, "")
		wantCode(t, err, "")
		if hash := s.db.Client.User.GetX(t.Context(), bob).Password; hash != strong {
			t.Errorf("a hash that costs more became %s", hash)
		}
	})
}

func TestLoginWithADamagedHashIsNoInvalidCredentials(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	bob := s.signUp(t, "bob").User.ID
	s.db.Client.User.UpdateOneID(bob).SetPassword("damaged").ExecX(t.Context())
	if _, err := s.Login(t.Context(), "bob", password, ""); err == nil || codeOf(err) != "" {
		t.Errorf("%v, want a defect", err)
	}
}

func TestChangePassword(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		eve := s.signUp(t, "eve")
		first := s.signUp(t, "bob")
		second, err := s.Login(t.Context(), "bob", password, "laptop")
		wantCode(t, err, "")
		who := s.session(t, second)

		_, err = s.ChangePassword(t.Context(), who, "wrong horse", "battery staple")
		wantCode(t, err, chat.CodeWrongPassword)
		_, err = s.ChangePassword(t.Context(), who, password, "short")
		wantField(t, err, "new_password", "too_short")
		if ended := s.told.takeEnded(); ended != nil {
			t.Errorf("refusals ended %v", ended)
		}

		third, err := s.ChangePassword(t.Context(), who, password, "battery staple")
		wantCode(t, err, "")
		if ended, want := s.told.takeEnded(), []int64{who.TokenID - 1, who.TokenID}; !slices.Equal(ended, want) {
			t.Errorf("announced %v, want %v", ended, want)
		}
		for _, in := range []chat.SignedIn{first, second} {
			_, err := s.Authenticate(t.Context(), in.Token)
			wantCode(t, err, chat.CodeUnauthenticated)
		}
		tokens, err := s.Tokens(t.Context(), s.session(t, third))
		if err != nil || len(tokens) != 1 || tokens[0].Device != "laptop" || !tokens[0].Current {
			t.Errorf("tokens %+v, %v", tokens, err)
		}
		s.session(t, eve)
		_, err = s.Login(t.Context(), "bob", password, "")
		wantCode(t, err, chat.CodeInvalidCredentials)
		_, err = s.Login(t.Context(), "bob", "battery staple", "")
		wantCode(t, err, "")
		_, err = s.ChangePassword(t.Context(), who, "battery staple", password) // its token has ended meanwhile
		wantCode(t, err, chat.CodeUnauthenticated)
	})
}

func TestOnePasswordChangeAtOnceWins(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		bob := s.signUp(t, "bob")
		who := s.session(t, bob)
		news := []string{"battery staple 0", "battery staple 1", "battery staple 2", "battery staple 3"}
		changed := make([]bool, len(news))
		var all sync.WaitGroup
		for i, password2 := range news {
			all.Go(func() {
				_, err := s.ChangePassword(t.Context(), who, password, password2)
				if changed[i] = err == nil; err != nil && codeOf(err) != chat.CodeWrongPassword {
					t.Errorf("%v, want wrong_password", err)
				}
			})
		}
		all.Wait()
		for i, password2 := range news {
			if _, err := s.Login(t.Context(), "bob", password2, ""); (err == nil) != changed[i] {
				t.Errorf("change %d succeeded: %v; login with its password: %v", i, changed[i], err)
			}
		}
		if n := len(slices.DeleteFunc(changed, func(c bool) bool { return !c })); n != 1 {
			t.Errorf("%d changes succeeded, want 1", n)
		}
	})
}

func TestNoTokenOfAnOldPasswordOutlivesItsChange(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		other := s.again(t)
		var all sync.WaitGroup
		for _, name := range []string{"u0", "u1", "u2", "u3"} {
			in := s.signUp(t, name)
			who := s.session(t, in)
			var logins [6]chat.SignedIn
			for i := range logins {
				all.Go(func() {
					in, err := other.Login(t.Context(), name, password, "")
					if logins[i] = in; err != nil && codeOf(err) != chat.CodeInvalidCredentials {
						t.Error(err)
					}
				})
			}
			all.Go(func() {
				_, err := s.ChangePassword(t.Context(), who, password, "battery staple")
				wantCode(t, err, "")
			})
			all.Wait()
			if n := s.db.Client.Token.Query().Where(token.UserID(in.User.ID)).CountX(t.Context()); n != 1 {
				t.Errorf("%s: %d tokens live after the change, want its own", name, n)
			}
			for _, in := range logins {
				if _, err := s.Authenticate(t.Context(), in.Token); err == nil {
					t.Errorf("%s: a token of the old password lives", name)
				}
			}
		}
	})
}

func TestDeleteAccount(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ann, bob, eve := s.signUp(t, "ann"), s.signUp(t, "bob"), s.signUp(t, "eve")
		annID, bobID, eveID := ann.User.ID, bob.User.ID, eve.User.ID
		must := func(_ chat.User, _ bool, err error) { t.Helper(); wantCode(t, err, "") }
		must(s.AddFriend(t.Context(), annID, bobID))
		must(s.AddFriend(t.Context(), bobID, annID))
		must(s.AddFriend(t.Context(), eveID, annID))
		must(s.Block(t.Context(), bobID, eveID))
		must(s.Block(t.Context(), eveID, bobID))
		must(s.Block(t.Context(), eveID, annID))
		who := s.session(t, bob)

		wantCode(t, s.DeleteAccount(t.Context(), who, "wrong horse"), chat.CodeWrongPassword)
		s.session(t, bob)
		wantCode(t, s.DeleteAccount(t.Context(), who, password), "")
		if ended := s.told.takeEnded(); !slices.Equal(ended, []int64{who.TokenID}) {
			t.Errorf("announced %v, want %d", ended, who.TokenID)
		}
		_, err := s.Authenticate(t.Context(), bob.Token)
		wantCode(t, err, chat.CodeUnauthenticated)
		wantCode(t, s.DeleteAccount(t.Context(), who, password), chat.CodeUnauthenticated)
		_, err = s.Login(t.Context(), "bob", password, "")
		wantCode(t, err, chat.CodeInvalidCredentials)
		_, err = s.Me(t.Context(), bobID)
		wantCode(t, err, chat.CodeNotFound)
		_, err = s.SetPresence(t.Context(), bobID, true)
		wantCode(t, err, chat.CodeNotFound)
		_, _, err = s.AddFriend(t.Context(), bobID, annID)
		wantCode(t, err, chat.CodeUnauthenticated)

		gone, err := s.User(t.Context(), bobID)
		if err != nil || gone.Username != nil || gone.CreatedAt != bob.User.CreatedAt {
			t.Errorf("what stays: %+v, %v", gone, err)
		}
		if users, err := s.UsersNamed(t.Context(), "bob"); err != nil || len(users) != 0 {
			t.Errorf("by name: %v, %v", users, err)
		}
		row := s.db.Client.User.GetX(t.Context(), bobID)
		if row.Password != "" || row.UsernameKey != nil || row.DeletedAt == nil {
			t.Errorf("the row: %+v, password %q", row, row.Password)
		}
		friends := s.db.Client.Friend.Query().Where(friend.Or(friend.UserID(bobID), friend.TargetID(bobID))).CountX(t.Context())
		blocks := s.db.Client.Block.Query().Where(block.Or(block.UserID(bobID), block.TargetID(bobID))).CountX(t.Context())
		if friends != 0 || blocks != 0 {
			t.Errorf("%d friends and %d blocks name them still", friends, blocks)
		}
		if n := s.db.Client.Block.Query().CountX(t.Context()); n != 1 {
			t.Errorf("%d blocks of others, want 1", n)
		}
		if again := s.signUp(t, "BOB"); again.User.ID == bobID {
			t.Error("the free name brought the account back")
		}
	})
}

func TestWhoDeletesTheirAccountLeavesEveryGroup(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ann := s.signUp(t, "ann")
		ids := s.users(t, "bob", "eve")
		group, _, err := s.CreateChat(t.Context(), ann.User.ID, chat.NewChat{UserIDs: ids})
		wantCode(t, err, "")
		direct, _, err := s.CreateChat(t.Context(), ann.User.ID, chat.NewChat{UserIDs: ids[:1], Kind: chat.KindDirect})
		wantCode(t, err, "")

		wantCode(t, s.DeleteAccount(t.Context(), s.session(t, ann), password), "")
		members, err := s.Members(t.Context(), ids[0], group.ID)
		if err != nil || len(members) != 2 || members[0].ID != ids[0] || members[0].Role != chat.RoleOwner {
			t.Errorf("left in the group: %+v, %v", members, err)
		}
		stays, err := s.Chat(t.Context(), ids[0], direct.ID)
		if err != nil || !slices.ContainsFunc(stays.Users, func(u chat.User) bool { return u.ID == ann.User.ID && u.Username == nil }) {
			t.Errorf("the direct chat: %+v, %v", stays, err)
		}
	})
}

func TestLoginsDuringADeletionLeaveNoToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "bob"))
		ann := s.signUp(t, "ann").User.ID
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				_, err := s.Login(t.Context(), "bob", password, "")
				if err != nil && codeOf(err) != chat.CodeInvalidCredentials {
					t.Error(err)
				}
			})
			all.Go(func() {
				_, _, err := s.AddFriend(t.Context(), ann, who.UserID)
				if err != nil && codeOf(err) != chat.CodeNotFound {
					t.Error(err)
				}
			})
		}
		all.Go(func() { wantCode(t, s.DeleteAccount(t.Context(), who, password), "") })
		all.Wait()
		tokens := s.db.Client.Token.Query().Where(token.UserID(who.UserID)).CountX(t.Context())
		friends := s.db.Client.Friend.Query().CountX(t.Context())
		if tokens != 0 || friends != 0 {
			t.Errorf("%d tokens and %d friends are left", tokens, friends)
		}
	})
}
