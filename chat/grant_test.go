package chat_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
)

func TestAGrantIsOfAToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		first, password, err := s.MakeGrant(t.Context(), who)
		wantCode(t, err, "")
		if first.UserID != who.UserID || first.TokenID != who.TokenID || !first.Live ||
			!strings.HasPrefix(first.ClientID, fmt.Sprintf("%s%d-", chat.GrantPrefix, who.UserID)) || len(password) < 50 {
			t.Errorf("%+v, password %q", first, password)
		}
		second, newPassword, err := s.MakeGrant(t.Context(), who)
		wantCode(t, err, "")
		if second.ID != first.ID || second.ClientID != first.ClientID || newPassword == password {
			t.Errorf("asked again: %+v", second)
		}
		found, err := s.GrantsOfClients(t.Context(), []string{first.ClientID, "nobody"})
		wantCode(t, err, "")
		if len(found) != 1 || !found[0].Live || found[0].HasPassword([]byte(password)) || !found[0].HasPassword([]byte(newPassword)) || found[0].HasPassword(nil) {
			t.Errorf("%+v", found)
		}
	})
}

func TestAGrantEndsWithItsToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		for name, end := range map[string]func(t *testing.T, who chat.Session){
			"logout": func(t *testing.T, who chat.Session) { wantCode(t, s.EndToken(t.Context(), who, who.TokenID), "") },
			"password": func(t *testing.T, who chat.Session) {
				_, err := s.ChangePassword(t.Context(), who, password, "nodarnodar")
				wantCode(t, err, "")
			},
			"account": func(t *testing.T, who chat.Session) { wantCode(t, s.DeleteAccount(t.Context(), who, password), "") },
		} {
			in, err := s.SignUp(t.Context(), name, password, "")
			wantCode(t, err, "")
			who := s.session(t, in)
			g, _, err := s.MakeGrant(t.Context(), who)
			wantCode(t, err, "")
			end(t, who)
			found, err := s.GrantsOfTokens(t.Context(), []int64{who.TokenID})
			wantCode(t, err, "")
			if len(found) != 1 || found[0].ID != g.ID || found[0].Live {
				t.Errorf("%s: %+v", name, found)
			}
			_, _, err = s.MakeGrant(t.Context(), who)
			wantCode(t, err, chat.CodeUnauthenticated)
			wantCode(t, s.ForgetGrants(t.Context(), found), "")
			if found, err = s.GrantsOfUsers(t.Context(), []int64{who.UserID}); err != nil || len(found) > 0 {
				t.Errorf("%s: not forgotten: %+v, %v", name, found, err)
			}
		}
	})
}

func TestAGrantExpiresWithItsToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		_, _, err := s.MakeGrant(t.Context(), who)
		wantCode(t, err, "")
		s.clock.advance(91 * 24 * time.Hour)
		found, err := s.Grants(t.Context(), 0, 10)
		wantCode(t, err, "")
		if len(found) != 1 || found[0].Live {
			t.Errorf("%+v", found)
		}
	})
}

func TestAGrantIsGivenBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		first, _, err := s.MakeGrant(t.Context(), who)
		wantCode(t, err, "")
		given, err := s.GiveBackGrant(t.Context(), who)
		wantCode(t, err, "")
		if len(given) != 1 || given[0].ID != first.ID || given[0].Live {
			t.Errorf("%+v", given)
		}
		if given, err = s.GiveBackGrant(t.Context(), who); err != nil || len(given) > 0 {
			t.Errorf("again: %+v, %v", given, err)
		}
		// What the broker has not forgotten yet is never brought back to life: its queue may be somebody's who has the old password.
		second, _, err := s.MakeGrant(t.Context(), who)
		wantCode(t, err, "")
		if second.ID == first.ID || second.ClientID == first.ClientID {
			t.Errorf("the grant that was given back is there again: %+v", second)
		}
		all, err := s.Grants(t.Context(), 0, 10)
		wantCode(t, err, "")
		if len(all) != 2 || all[0].Live || !all[1].Live {
			t.Errorf("%+v", all)
		}
		wantCode(t, s.ForgetGrants(t.Context(), all), "") // of the two only the one that has ended
		if all, err = s.Grants(t.Context(), 0, 10); err != nil || len(all) != 1 || all[0].ID != second.ID {
			t.Errorf("%+v, %v", all, err)
		}
		if all, err = s.Grants(t.Context(), second.ID, 10); err != nil || len(all) != 0 {
			t.Errorf("after the last: %+v, %v", all, err)
		}
	})
}

func TestGrantsThatAreAskedForAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		var asking sync.WaitGroup
		ids := make([]int64, 8)
		for i := range ids {
			asking.Go(func() {
				g, _, err := s.MakeGrant(t.Context(), who)
				if err != nil {
					t.Error(err)
				}
				ids[i] = g.ID
			})
		}
		asking.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("several grants: %v", ids)
			}
		}
	})
}
