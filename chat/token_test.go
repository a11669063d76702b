package chat_test

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
)

func TestTokensThatProveNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		token := s.signUp(t, "bob").Token
		if !regexp.MustCompile(`^dorn_[A-Za-z0-9_-]{43}$`).MatchString(token) {
			t.Errorf("a token is %q", token)
		}
		last := token[len(token)-1]
		for name, other := range map[string]string{
			"nothing":               "",
			"the prefix":            "dorn_",
			"without prefix":        strings.TrimPrefix(token, "dorn_"),
			"prefix in capitals":    strings.Replace(token, "dorn_", "DORN_", 1),
			"a space after":         token + " ",
			"padded":                token + "=",
			"a character less":      token[:len(token)-1],
			"a newline within":      token[:20] + "\n" + token[20:],
			"another spelling":      token[:len(token)-1] + string(nextInBase64(last)), // only unused bits differ
			"another one":           "dorn_" + base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
			"standard base64":       "dorn_" + strings.Repeat("+", 42) + "A",
			"a kilobyte of garbage": strings.Repeat("x", 1024),
		} {
			_, err := s.Authenticate(t.Context(), other)
			if codeOf(err) != chat.CodeUnauthenticated {
				t.Errorf("%s: %q: %v", name, other, err)
			}
		}
	})
}

func nextInBase64(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)|1]
}

func TestWhatIsNoTokenCostsNoQuery(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	_ = s.db.Close()
	_, err := s.Authenticate(t.Context(), "dorn_garbage")
	wantCode(t, err, chat.CodeUnauthenticated)
}

func TestATokenEnds90DaysAfterItsLastUse(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		in := s.signUp(t, "bob")
		who := s.session(t, in)
		used := func() time.Time { return s.db.Client.Token.GetX(t.Context(), who.TokenID).UsedAt }

		s.clock.advance(5*time.Minute - time.Millisecond)
		s.session(t, in)
		s.WaitUses()
		if !used().Before(s.clock.Now()) {
			t.Error("a use within five minutes was written down")
		}
		s.clock.advance(89 * 24 * time.Hour)
		if got, want := s.session(t, in).ExpiresAt, chat.At(s.clock.Now().Add(90*24*time.Hour)); got != want {
			t.Errorf("used, it ends at %v, want %v", got, want)
		}
		s.WaitUses()
		if got := used(); !got.Equal(s.clock.Now()) {
			t.Errorf("used at %v, want now", got)
		}

		s.clock.advance(90*24*time.Hour - time.Millisecond)
		if live, err := s.LiveTokens(t.Context(), []int64{who.TokenID, 4711}); err != nil || !slices.Equal(live, []int64{who.TokenID}) {
			t.Errorf("a moment before its end: live %v, %v", live, err)
		}
		s.clock.advance(time.Millisecond)
		_, err := s.Authenticate(t.Context(), in.Token)
		wantCode(t, err, chat.CodeUnauthenticated)
		if live, err := s.LiveTokens(t.Context(), []int64{who.TokenID}); err != nil || len(live) != 0 {
			t.Errorf("after its end: live %v, %v", live, err)
		}
		tokens, err := s.Tokens(t.Context(), who)
		if err != nil || len(tokens) != 0 {
			t.Errorf("listed after its end: %+v, %v", tokens, err)
		}
		wantCode(t, s.EndToken(t.Context(), who, who.TokenID), chat.CodeNotFound)
	})
}

func TestAUseThatCannotBeWrittenDownFailsNothing(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.MariaDB(t))
	in := s.signUp(t, "bob")
	s.clock.advance(time.Hour)
	lock, err := s.db.SQL.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }()
	if _, err := lock.Exec("SELECT id FROM tokens FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for range 20 {
		s.session(t, in)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the requests waited %v", took)
	}
	_ = lock.Rollback()
	eventually(t, "a later use is written down", func() bool {
		s.session(t, in)
		return s.db.Client.Token.Query().OnlyX(t.Context()).UsedAt.Equal(s.clock.Now())
	})
}

func TestTheLongestUnusedOf21TokensEnds(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		first := s.signUp(t, "bob")
		eve := s.signUp(t, "eve")
		ins := []chat.SignedIn{first}
		for range 19 {
			s.clock.advance(time.Minute)
			in, err := s.Login(t.Context(), "bob", password, "")
			wantCode(t, err, "")
			ins = append(ins, in)
		}
		if ended := s.told.takeEnded(); ended != nil {
			t.Errorf("of 20 tokens %v ended", ended)
		}
		s.session(t, first) // now the second is the longest unused
		s.WaitUses()
		s.clock.advance(time.Minute)
		last, err := s.Login(t.Context(), "bob", password, "")
		wantCode(t, err, "")
		if ended := s.told.takeEnded(); len(ended) != 1 {
			t.Errorf("ended: %v, want one", ended)
		}
		_, err = s.Authenticate(t.Context(), ins[1].Token)
		wantCode(t, err, chat.CodeUnauthenticated)
		for _, in := range append(ins[2:], first, eve) {
			s.session(t, in)
		}
		tokens, err := s.Tokens(t.Context(), s.session(t, last))
		if err != nil || len(tokens) != 20 || !tokens[0].Current || tokens[1].Current {
			t.Errorf("%d tokens: %+v, %v", len(tokens), tokens, err)
		}
	})
}

func TestExpiredTokensMakeRoomFirst(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		s.signUp(t, "bob")
		s.clock.advance(100 * 24 * time.Hour)
		_, err := s.Login(t.Context(), "bob", password, "")
		wantCode(t, err, "")
		if n := s.db.Client.Token.Query().CountX(t.Context()); n != 1 {
			t.Errorf("%d tokens are stored, want the new one", n)
		}
	})
}

func TestManyLoginsAtOnceKeepTheLimit(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		in := s.signUp(t, "bob")
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() {
				_, err := s.Login(t.Context(), "bob", password, "")
				wantCode(t, err, "")
			})
		}
		all.Wait()
		if n := s.db.Client.Token.Query().CountX(t.Context()); n != 20 {
			t.Errorf("%d tokens, want 20", n)
		}
		if ended := s.told.takeEnded(); len(ended) != 5 || ended[0] != 1 {
			t.Errorf("ended: %v, want the first five", ended)
		}
		_, err := s.Authenticate(t.Context(), in.Token)
		wantCode(t, err, chat.CodeUnauthenticated)
	})
}

func TestEndToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		bob, eve := s.signUp(t, "bob"), s.signUp(t, "eve")
		laptop, err := s.Login(t.Context(), "bob", password, "laptop")
		wantCode(t, err, "")
		bobWho, eveWho, laptopWho := s.session(t, bob), s.session(t, eve), s.session(t, laptop)

		wantCode(t, s.EndToken(t.Context(), bobWho, eveWho.TokenID), chat.CodeNotFound)
		wantCode(t, s.EndToken(t.Context(), bobWho, 4711), chat.CodeNotFound)
		if news := s.told.take(); len(news) != 0 {
			t.Errorf("refusals announced %+v", news)
		}
		wantCode(t, s.EndToken(t.Context(), bobWho, laptopWho.TokenID), "")
		if ended := s.told.takeEnded(); !slices.Equal(ended, []int64{laptopWho.TokenID}) {
			t.Errorf("announced %v", ended)
		}
		_, err = s.Authenticate(t.Context(), laptop.Token)
		wantCode(t, err, chat.CodeUnauthenticated)
		wantCode(t, s.EndToken(t.Context(), bobWho, laptopWho.TokenID), chat.CodeNotFound)
		wantCode(t, s.EndToken(t.Context(), bobWho, bobWho.TokenID), "") // logout
		_, err = s.again(t).Authenticate(t.Context(), bob.Token)
		wantCode(t, err, chat.CodeUnauthenticated)
		s.session(t, eve)
	})
}

func TestLiveTokensOfMany(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "bob"))
		many := make([]int64, 70_000)
		for i := range many {
			many[i] = who.TokenID + int64(i)
		}
		live, err := s.LiveTokens(t.Context(), many)
		if err != nil || !slices.Equal(live, []int64{who.TokenID}) {
			t.Errorf("%d live, %v", len(live), err)
		}
	})
}
