package chat_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
)

// The keys of RFC 8291, appendix A.
const (
	p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	auth   = "BTBZMqHH6r4Tts7J_aSIgg"
)

func fcm(id, token string) chat.NewDevice {
	return chat.NewDevice{ID: id, Kind: chat.KindFCM, Token: token}
}

func webPush(id, endpoint string) chat.NewDevice {
	return chat.NewDevice{ID: id, Kind: chat.KindWebPush, Endpoint: endpoint, P256dh: p256dh, Auth: auth}
}

func (s *service) put(t *testing.T, who chat.Session, n chat.NewDevice, isNew bool) chat.Device {
	t.Helper()
	d, created, err := s.PutDevice(t.Context(), who, n)
	if err != nil || created != isNew {
		t.Fatalf("putting %s: new %v, %v", n.ID, created, err)
	}
	return d
}

// wantDevices fails the test unless these are the user's, and all of them can be pushed to.
func (s *service) wantDevices(t *testing.T, who chat.Session, ids ...string) {
	t.Helper()
	devices, err := s.Devices(t.Context(), who)
	wantCode(t, err, "")
	targets, err := s.PushTargets(t.Context(), who.UserID)
	wantCode(t, err, "")
	var listed, pushed []string
	for _, d := range devices {
		listed = append(listed, d.ID)
	}
	for _, d := range targets {
		pushed = append(pushed, d.ID)
	}
	if want := fmt.Sprint(ids); fmt.Sprint(listed) != want || fmt.Sprint(pushed) != want {
		t.Errorf("user %d has the devices %v, of which %v are pushed to; want %v", who.UserID, listed, pushed, ids)
	}
}

func TestDevicesAreOfTokens(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ann := s.signUp(t, "ann")
		phone := s.session(t, ann)
		in, err := s.Login(t.Context(), "ann", password, "tablet")
		wantCode(t, err, "")
		tablet := s.session(t, in)
		bob := s.session(t, s.signUp(t, "bob"))

		d := s.put(t, phone, fcm("phone", "f1"), true)
		if d.Kind != chat.KindFCM || d.TokenID != phone.TokenID || !d.Current {
			t.Errorf("%+v", d)
		}
		s.clock.advance(time.Minute)
		again := s.put(t, phone, webPush("phone", "https://push.example/1"), false)
		if again.Kind != chat.KindWebPush || again.CreatedAt != d.CreatedAt || !again.UpdatedAt.After(d.UpdatedAt.Time) {
			t.Errorf("changed: %+v", again)
		}
		targets, err := s.PushTargets(t.Context(), phone.UserID)
		if err != nil || len(targets) != 1 || targets[0].Address != "https://push.example/1" || base64.RawURLEncoding.EncodeToString(targets[0].P256dh) != p256dh ||
			base64.RawURLEncoding.EncodeToString(targets[0].Auth) != auth {
			t.Errorf("%+v, %v", targets, err)
		}
		s.put(t, tablet, fcm("tablet", "f2"), true)
		s.put(t, bob, fcm("phone", "f3"), true) // names are each user's own
		s.wantDevices(t, phone, "phone", "tablet")

		s.put(t, bob, fcm("other", "f2"), true) // who signs in on ann's tablet takes its app over
		s.wantDevices(t, phone, "phone")
		s.put(t, bob, fcm("third", "f2"), true)
		s.wantDevices(t, bob, "phone", "third")
		s.put(t, tablet, fcm("phone", "f1"), false) // which is of the tablet now
		wantCode(t, s.EndToken(t.Context(), phone, phone.TokenID), "")
		s.wantDevices(t, tablet, "phone")

		wantCode(t, s.RemoveDevice(t.Context(), bob.UserID, "phone"), "")
		wantCode(t, s.RemoveDevice(t.Context(), bob.UserID, "phone"), "")
		s.wantDevices(t, bob, "third")
		s.wantDevices(t, tablet, "phone")
	})
}

func TestADeviceEndsWithItsToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		for name, end := range map[string]func(t *testing.T, who chat.Session){
			"logout": func(t *testing.T, who chat.Session) { wantCode(t, s.EndToken(t.Context(), who, who.TokenID), "") },
			"password": func(t *testing.T, who chat.Session) {
				_, err := s.ChangePassword(t.Context(), who, password, "nodarnodar")
				wantCode(t, err, "")
			},
			"account": func(t *testing.T, who chat.Session) { wantCode(t, s.DeleteAccount(t.Context(), who, password), "") },
			"too many": func(t *testing.T, _ chat.Session) {
				for range 20 {
					s.clock.advance(time.Second)
					_, err := s.Login(t.Context(), "toomany", password, "")
					wantCode(t, err, "")
				}
			},
			"age": func(t *testing.T, _ chat.Session) {
				s.clock.advance(91 * 24 * time.Hour)
				s.Tidy(t.Context())
			},
		} {
			who := s.session(t, s.signUp(t, strings.ReplaceAll(name, " ", "")))
			s.put(t, who, fcm("phone", strings.ReplaceAll(name, " ", "-")), true)
			end(t, who)
			s.wantDevices(t, who)
			if _, _, err := s.PutDevice(t.Context(), who, fcm("phone", "later")); codeOf(err) != chat.CodeUnauthenticated {
				t.Errorf("%s: registered with a token that has ended: %v", name, err)
			}
		}
	})
}

// A token that is past its time is not pushed to, also before anybody has cleaned up.
func TestNoPushToAnExpiredToken(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		s.put(t, who, fcm("phone", "f"), true)
		s.clock.advance(90*24*time.Hour - time.Second)
		if targets, err := s.PushTargets(t.Context(), who.UserID); err != nil || len(targets) != 1 {
			t.Errorf("before: %v, %v", targets, err)
		}
		s.clock.advance(time.Second)
		if targets, err := s.PushTargets(t.Context(), who.UserID); err != nil || len(targets) != 0 {
			t.Errorf("after: %v, %v", targets, err)
		}
	})
}

func TestDevicesHaveABound(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		for i := range 19 {
			s.put(t, who, fcm(fmt.Sprint("d", i), fmt.Sprint("f", i)), true)
		}
		var both sync.WaitGroup
		codes := make([]chat.Code, 2)
		for i := range codes {
			both.Go(func() {
				_, _, err := s.PutDevice(t.Context(), who, fcm(fmt.Sprint("last", i), fmt.Sprint("last", i)))
				codes[i] = codeOf(err)
			})
		}
		both.Wait()
		if codes[0]+codes[1] != chat.CodeLimitReached {
			t.Errorf("of the 20th and 21st at once: %q", codes)
		}
		s.put(t, who, fcm("d0", "new"), false)
		s.put(t, who, fcm("renamed", "f1"), true) // the same app
	})
}

func TestTheSameAppForTwoAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		var sessions []chat.Session
		for i := range 4 {
			sessions = append(sessions, s.session(t, s.signUp(t, fmt.Sprint("user", i))))
		}
		var all sync.WaitGroup
		for _, who := range sessions {
			all.Go(func() {
				if _, _, err := s.PutDevice(t.Context(), who, fcm("phone", "one app")); err == nil {
					t.Errorf("a token with a space was taken")
				}
				if _, _, err := s.PutDevice(t.Context(), who, fcm("phone", "one-app")); err != nil && codeOf(err) != chat.CodeUnavailable {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := s.db.Client.Device.Query().CountX(t.Context()); n != 1 {
			t.Errorf("one app is %d devices", n)
		}
	})
}

func TestWhatIsNoDevice(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		endpoint := func(e string) chat.NewDevice { return webPush("d", e) }
		keys := func(p, a string) chat.NewDevice {
			return chat.NewDevice{ID: "d", Kind: chat.KindWebPush, Endpoint: "https://push.example/1", P256dh: p, Auth: a}
		}
		for _, c := range []struct {
			n           chat.NewDevice
			field, code string
		}{
			{fcm("", "f"), "device_id", "invalid"},
			{fcm("a b", "f"), "device_id", "invalid"},
			{fcm("한", "f"), "device_id", "invalid"},
			{fcm(strings.Repeat("a", 65), "f"), "device_id", "invalid"},
			{chat.NewDevice{ID: "d", Kind: "apns", Token: "f"}, "kind", "invalid"},
			{fcm("d", ""), "token", "too_short"},
			{fcm("d", strings.Repeat("a", 1025)), "token", "too_long"},
			{fcm("d", "a\nb"), "token", "invalid"},
			{endpoint(""), "endpoint", "invalid"},
			{endpoint("push.example"), "endpoint", "invalid"},
			{endpoint("http://push.example/1"), "endpoint", "invalid"},
			{endpoint("gopher://push.example/1"), "endpoint", "invalid"},
			{endpoint("https:push.example"), "endpoint", "invalid"},
			{endpoint("https:///1"), "endpoint", "invalid"},
			{endpoint("https://user@push.example/1"), "endpoint", "invalid"},
			{endpoint("https://user:secret@push.example/1"), "endpoint", "invalid"},
			{endpoint("https://push.example/1#x"), "endpoint", "invalid"},
			{endpoint("https://push.example/1\r\nX: y"), "endpoint", "invalid"},
			{endpoint("https://10.0.0.1/1"), "endpoint", "invalid"},
			{endpoint("https://8.8.8.8/1"), "endpoint", "invalid"},
			{endpoint("https://[::1]/1"), "endpoint", "invalid"},
			{endpoint("https://[::ffff:127.0.0.1]/1"), "endpoint", "invalid"},
			{endpoint("https://[fe80::1%25eth0]/1"), "endpoint", "invalid"},
			{endpoint("https://2130706433/1"), "endpoint", "invalid"},
			{endpoint("https://127.1/1"), "endpoint", "invalid"},
			{endpoint("https://0x7f000001/1"), "endpoint", "invalid"},
			{endpoint("https://127.0.0.1./1"), "endpoint", "invalid"},
			{endpoint("https://push.example/" + strings.Repeat("a", 1024)), "endpoint", "too_long"},
			{keys("", auth), "keys.p256dh", "invalid"},
			{keys(p256dh[:len(p256dh)-2], auth), "keys.p256dh", "invalid"},
			{keys(base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...)), auth), "keys.p256dh", "invalid"}, // not on the curve
			{keys(p256dh, auth+"AA"), "keys.auth", "invalid"},
			{keys(p256dh, "!"), "keys.auth", "invalid"},
		} {
			_, _, err := s.PutDevice(t.Context(), who, c.n)
			wantField(t, err, c.field, c.code)
		}
		s.wantDevices(t, who)
		s.put(t, who, keys(strings.NewReplacer("-", "+", "_", "/").Replace(p256dh)+"=", auth+"=="), true) // as libraries write it
		s.put(t, who, webPush("e", "https://push.example:8443/1?a=b"), true)
	})
}
