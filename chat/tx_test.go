package chat_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/ent"
	"doran/internal/testenv"

	"github.com/go-sql-driver/mysql"
)

func TestATransactionThatFailsLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		defect := errors.New("defect")
		write := func(tx *ent.Tx) { tx.User.Create().SetCreatedAt(s.clock.Now()).ExecX(t.Context()) }
		err := chat.InTx(s.Service, t.Context(), func(tx *ent.Tx) error { write(tx); return defect })
		if !errors.Is(err, defect) || codeOf(err) != "" {
			t.Errorf("%v, want the defect as it is", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			_ = chat.InTx(s.Service, t.Context(), func(tx *ent.Tx) error { write(tx); panic("defect") })
		}()
		err = chat.InTx(s.Service, t.Context(), func(tx *ent.Tx) error { write(tx); return nil }) // neither left a lock behind
		if n := s.db.Client.User.Query().CountX(t.Context()); err != nil || n != 1 {
			t.Errorf("%d rows, %v, want 1", n, err)
		}
		if open := s.db.SQL.Stats().InUse; open != 0 {
			t.Errorf("%d connections are still in use", open)
		}
	})
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	for _, number := range []uint16{1020, 1205, 1213} {
		tries := 0
		err := chat.InTx(s.Service, t.Context(), func(tx *ent.Tx) error {
			tx.User.Create().SetCreatedAt(s.clock.Now()).ExecX(t.Context())
			if tries++; tries < 3 {
				return &mysql.MySQLError{Number: number}
			}
			return nil
		})
		wantCode(t, err, "")
		if tries != 3 {
			t.Errorf("%d: %d tries, want 3", number, tries)
		}
	}
	if n := s.db.Client.User.Query().CountX(t.Context()); n != 3 {
		t.Errorf("%d rows, want one of each", n)
	}
	tries := 0
	err := chat.InTx(s.Service, t.Context(), func(*ent.Tx) error { tries++; return &mysql.MySQLError{Number: 1213} })
	wantCode(t, err, chat.CodeUnavailable)
	if tries < 3 || tries > 10 {
		t.Errorf("what never passes was tried %d times", tries)
	}
}

func TestADatabaseThatIsGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	for _, cause := range []error{driver.ErrBadConn, mysql.ErrInvalidConn, context.DeadlineExceeded, &mysql.MySQLError{Number: 1040},
		&mysql.MySQLError{Number: 1053}, &mysql.MySQLError{Number: 1290}, &mysql.MySQLError{Number: 1836}, &mysql.MySQLError{Number: 1927},
		&mysql.MySQLError{Number: 1114}, &mysql.MySQLError{Number: 1030}, &mysql.MySQLError{Number: 2006}, &mysql.MySQLError{Number: 2013}} {
		tries := 0
		err := chat.InTx(s.Service, t.Context(), func(*ent.Tx) error { tries++; return cause })
		wantCode(t, err, chat.CodeUnavailable)
		if !errors.Is(err, cause) || tries != 1 {
			t.Errorf("%v after %d tries, want one that wraps %v", err, tries, cause)
		}
	}
	for _, defect := range []error{&mysql.MySQLError{Number: 1054}, &mysql.MySQLError{Number: 1062}, errors.New("defect")} {
		err := chat.InTx(s.Service, t.Context(), func(*ent.Tx) error { return defect })
		if codeOf(err) != "" || !errors.Is(err, defect) {
			t.Errorf("%v, want %v as it is", err, defect)
		}
	}
}

func TestWhoHangsUpDoesNotCancelTheCommit(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ctx, hangUp := context.WithCancel(t.Context())
		err := chat.InTx(s.Service, ctx, func(tx *ent.Tx) error {
			err := tx.User.Create().SetCreatedAt(s.clock.Now()).Exec(ctx)
			hangUp()
			return err
		})
		if n := s.db.Client.User.Query().CountX(t.Context()); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

// Two that lock the same rows in another order meet in a deadlock, again and again; all come through.
func TestDeadlocksPass(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "bob")
		met := make(chan struct{})
		meet := func() { // the first two to come here have a lock each
			select {
			case met <- struct{}{}:
			case <-met:
			case <-time.After(100 * time.Millisecond):
			}
		}
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				err := chat.InTx(s.Service, t.Context(), func(tx *ent.Tx) error {
					for n, id := range []int64{ids[i], ids[1-i]} {
						if n == 1 {
							meet()
						}
						if err := tx.User.UpdateOneID(id).SetPresence(i == 0).Exec(t.Context()); err != nil {
							return err
						}
					}
					return nil
				})
				wantCode(t, err, "")
			})
		}
		all.Wait()
	})
}

func TestALockHeldForLongIsUnavailable(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		bob := s.users(t, "bob")[0]
		lock, err := s.again(t).db.SQL.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = lock.Rollback() }()
		if _, err := lock.Exec("UPDATE users SET presence = 1"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err = s.SetPresence(t.Context(), bob, false)
		wantCode(t, err, chat.CodeUnavailable)
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
		_ = lock.Rollback()
		_, err = s.SetPresence(t.Context(), bob, false)
		wantCode(t, err, "")
	})
}

// Every method tells a database that is gone from a defect, soon, and shows neither SQL nor where it was.
func TestEveryMethodSaysThatTheDatabaseIsGone(t *testing.T) {
	for how, lose := range map[string]func(*testenv.MariaDBServer){
		"killed": (*testenv.MariaDBServer).Kill,
		"frozen": (*testenv.MariaDBServer).Stop,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			server := testenv.NewMariaDB(t)
			defer server.Cont() // before the cleanup, which asks the server
			s := newService(t, server.Database(t))
			calls := everyAccountCall(t, s)
			lose(server)
			var all sync.WaitGroup
			for name, call := range calls {
				all.Go(func() { wantUnavailableSoon(t, name, call) })
			}
			all.Wait()
		})
	}
}

func everyAccountCall(t *testing.T, s *service) map[string]func() error {
	t.Helper()
	in := s.signUp(t, "bob")
	who, ctx := s.session(t, in), t.Context()
	return map[string]func() error{
		"SignUp":         func() error { _, err := s.SignUp(ctx, "eve", password, ""); return err },
		"Login":          func() error { _, err := s.Login(ctx, "bob", password, ""); return err },
		"Authenticate":   func() error { _, err := s.Authenticate(ctx, in.Token); return err },
		"LiveTokens":     func() error { _, err := s.LiveTokens(ctx, []int64{1}); return err },
		"Tokens":         func() error { _, err := s.Tokens(ctx, who); return err },
		"EndToken":       func() error { return s.EndToken(ctx, who, 1) },
		"ChangePassword": func() error { _, err := s.ChangePassword(ctx, who, password, "battery staple"); return err },
		"DeleteAccount":  func() error { return s.DeleteAccount(ctx, who, password) },
		"Me":             func() error { _, err := s.Me(ctx, 1); return err },
		"SetPresence":    func() error { _, err := s.SetPresence(ctx, 1, true); return err },
		"User":           func() error { _, err := s.User(ctx, 1); return err },
		"Users":          func() error { _, err := s.Users(ctx, []int64{1}); return err },
		"UsersNamed":     func() error { _, err := s.UsersNamed(ctx, "bob"); return err },
		"Friends":        func() error { _, err := s.Friends(ctx, 1); return err },
		"AddFriend":      func() error { _, _, err := s.AddFriend(ctx, 1, 2); return err },
		"RemoveFriend":   func() error { return s.RemoveFriend(ctx, 1, 2) },
		"Blocks":         func() error { _, err := s.Blocks(ctx, 1); return err },
		"Block":          func() error { _, _, err := s.Block(ctx, 1, 2); return err },
		"Unblock":        func() error { return s.Unblock(ctx, 1, 2) },
	}
}

func wantUnavailableSoon(t *testing.T, name string, call func() error) {
	t.Helper()
	const soon = 4 * time.Second // 2.5 s, and what a busy machine adds
	begin := time.Now()
	err := call()
	if took := time.Since(begin); codeOf(err) != chat.CodeUnavailable || took > soon {
		t.Errorf("%s: %v after %v", name, err, took)
		return
	}
	detail := err.(*chat.Error).Detail
	if strings.Contains(detail, "127.0.0.1") || strings.Contains(strings.ToLower(detail), "sql") {
		t.Errorf("%s: shows %q", name, detail)
	}
}
