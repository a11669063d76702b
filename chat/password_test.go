package chat_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
)

func TestPasswordsAreHashedAsOWASPAdvises(t *testing.T) {
	t.Parallel()
	if memory, time, threads := chat.ProductionCost(); memory != 19456 || time != 2 || threads != 1 {
		t.Errorf("m=%d,t=%d,p=%d, want m=19456,t=2,p=1", memory, time, threads)
	}
}

func TestPasswordForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ typed, want, code string }{
		"plain":                     {"12345678", "12345678", ""},
		"case stays":                {"Correct Horse", "Correct Horse", ""},
		"spaces at the ends stay":   {"  123456  ", "  123456  ", ""},
		"other spaces are spaces":   {"correct\u3000horse\u00a0x", "correct horse x", ""},
		"fullwidth stays":           {"ｐａｓｓｗｏｒｄ", "ｐａｓｓｗｏｒｄ", ""},
		"decomposed is composed":    {strings.Repeat("\u1103\u1169", 8), strings.Repeat("도", 8), ""},
		"emoji":                     {strings.Repeat("😀", 8), strings.Repeat("😀", 8), ""},
		"128 characters":            {strings.Repeat("가", 128), strings.Repeat("가", 128), ""},
		"128, typed as 256":         {strings.Repeat("\u1103\u1169", 128), strings.Repeat("도", 128), ""},
		"nothing":                   {"", "", "required"},
		"7 characters":              {"1234567", "", "too_short"},
		"7 after composing":         {strings.Repeat("\u1103\u1169", 7), "", "too_short"},
		"129 characters":            {strings.Repeat("가", 129), "", "too_long"},
		"far too many":              {strings.Repeat("\u0300", 60000), "", "too_long"},
		"newline":                   {"12345678\n", "", "invalid"},
		"NUL":                       {"1234\x005678", "", "invalid"},
		"broken UTF-8":              {"12345678\xff", "", "invalid"},
		"lone surrogate, in UTF-8":  {"12345678\xed\xa0\x80", "", "invalid"},
		"zero-width space":          {"1234\u200b5678", "", "invalid"},
		"right-to-left override":    {"1234\u202e5678", "", "invalid"},
		"what Unicode has not yet":  {"12345678\U000e0fff", "", "invalid"},
		"only spaces are a passphr": {"        ", "        ", ""},
	} {
		got, err := chat.PreparePassword("password", test.typed)
		if test.code != "" {
			wantField(t, err, "password", test.code)
		} else if err != nil || got != test.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, test.want, err)
		}
	}
}

func TestPasswordHashesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	good := chat.HashWithCost(64, 1, password)
	if err := chat.ParsePasswordHash(good); err != nil {
		t.Fatal(err)
	}
	for name, hash := range map[string]string{
		"none":            "",
		"another kind":    strings.Replace(good, "argon2id", "argon2i", 1),
		"another version": strings.Replace(good, "v=19", "v=16", 1),
		"gigabytes":       strings.Replace(good, "m=64", "m=4194304", 1),
		"no memory":       strings.Replace(good, "m=64", "m=0", 1),
		"no time":         strings.Replace(good, "t=1", "t=0", 1),
		"hours":           strings.Replace(good, "t=1", "t=4000000000", 1),
		"no thread":       strings.Replace(good, "p=1", "p=0", 1),
		"256 threads":     strings.Replace(good, "p=1", "p=256", 1),
		"more after cost": strings.Replace(good, "p=1", "p=1,x=2", 1),
		"no key":          good[:strings.LastIndex(good, "$")+1],
		"long key":        good + strings.Repeat("AAAA", 30),
		"padded":          good + "=",
		"one part more":   good + "$",
		"bcrypt":          "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	} {
		if err := chat.ParsePasswordHash(hash); err == nil {
			t.Errorf("%s: %q was taken", name, hash)
		} else if strings.Contains(err.Error(), good[len(good)-20:]) {
			t.Errorf("%s: the error shows the hash", name)
		}
	}
}

func TestAnUnknownNameTakesAsLongAsAKnownOne(t *testing.T) {
	t.Parallel()
	known, unknown := time.Hour, time.Hour
	for range 5 { // the shortest, as other tests run beside this one
		known, unknown = min(known, chat.TimeToRefuse(true)), min(unknown, chat.TimeToRefuse(false))
	}
	if unknown < known/2 || known < unknown/2 {
		t.Errorf("a known name takes %v, an unknown one %v", known, unknown)
	}
}

func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	s.signUp(t, "bob")
	done := s.OccupyHashing()
	release := sync.OnceFunc(done)
	defer release()

	var waiters sync.WaitGroup
	errs := make([]error, chat.MaxHashWaiters)
	for i := range errs {
		waiters.Go(func() { _, errs[i] = s.Login(t.Context(), "bob", password, "") })
	}
	eventually(t, "all wait", func() bool { return s.HashWaiters() == chat.MaxHashWaiters })
	begin := time.Now()
	_, err := s.Login(t.Context(), "bob", password, "")
	wantCode(t, err, chat.CodeUnavailable)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("one too many was refused after %v, want at once", took)
	}
	_, err = s.SignUp(t.Context(), "eve", password, "")
	wantCode(t, err, chat.CodeUnavailable)

	release()
	waiters.Wait()
	for _, err := range errs {
		wantCode(t, err, "")
	}
}

func TestHashingIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	s.signUp(t, "bob")
	defer s.OccupyHashing()()
	begin := time.Now()
	_, err := s.Login(t.Context(), "nobody", password, "")
	wantCode(t, err, chat.CodeUnavailable)
	if took := time.Since(begin); took < time.Second || took > 3*time.Second {
		t.Errorf("gave up after %v, want 2 s", took)
	}
}
