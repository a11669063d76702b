package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"doran/chat"

	"doran/internal/embedded"
	"doran/internal/testenv"
)

// oneTown is for what is the same whatever the parts are.
func oneTown(t *testing.T) *town {
	t.Parallel()
	r, err := embedded.StartRedis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return newTown(t, testenv.SQLite(t), r.URL, r.ID)
}

// has says whether the person still has the device.
func (p *person) has(id string) bool {
	p.n.w.t.Helper()
	devices, err := p.n.Devices(context.Background(), p.Session)
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	return slices.ContainsFunc(devices, func(d chat.Device) bool { return d.ID == id })
}

// said is the newest line of a device's log, in words.
func (p *person) said(id string) string {
	p.n.w.t.Helper()
	l, _ := parseLine(p.n.w.look.LIndex(context.Background(), logKey(p.UserID, id), 0).Val())
	return l.Detail
}

// Every error that FCM documents: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode.
func TestWhatFCMSays(t *testing.T) {
	w := oneTown(t)
	w.timing.Call = time.Second
	n := w.node()
	ann, bob := n.person("ann"), n.person("bob")
	for i, c := range []struct {
		reply  reply
		result string // the first
		says   string
		remove bool
	}{
		{reply{}, "sent", "took it", false},
		{fcmError(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"), "removed", "400 INVALID_ARGUMENT: The registration", true},
		{reply{status: 400, body: `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT","details":[
			{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"},
			{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.token","description":"Invalid registration token"}]}]}}`}, "removed", "INVALID_ARGUMENT", true},
		{fcmError(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Invalid TTL"), "refused", "Invalid TTL", false}, // the device is not to be blamed
		{fcmError(404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found."), "removed", "404 UNREGISTERED", true},
		{reply{status: 404, body: `<html>not here</html>`}, "refused", "404 <html>", false}, // a wrong DORAN_FCM_ENDPOINT
		{fcmError(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch"), "refused", "403 SENDER_ID_MISMATCH", false},
		{fcmError(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push Service"), "refused", "401 THIRD_PARTY_AUTH_ERROR", false},
		{fcmError(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded"), "later", "429 QUOTA_EXCEEDED", false},
		{fcmError(500, "INTERNAL", "INTERNAL", "Internal error"), "later", "500 INTERNAL", false},
		{fcmError(503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable"), "later", "503 UNAVAILABLE", false},
		{fcmError(500, "UNKNOWN", "UNSPECIFIED_ERROR", "No more information is available"), "later", "500 UNSPECIFIED_ERROR", false},
		{reply{hang: true}, "later", "did not answer in time", false},
	} {
		id := fmt.Sprint("phone", i)
		bob.phone(id)
		w.fcm.will(id, c.reply)
		n.sender.pauses = newPauses() // what one asks for is not for the others here
		ann.group(bob)
		if !soon(func() bool { return len(bob.log(id)) > 0 }) {
			t.Errorf("%d: nothing is written down", i)
			continue
		}
		if got := strings.Fields(bob.log(id)[len(bob.log(id))-1])[0]; got != c.result {
			t.Errorf("%s %d: %s, want %s", c.reply.body, c.reply.status, got, c.result)
		}
		if said := bob.said(id); !strings.Contains(said, c.says) {
			t.Errorf("%s: the log says %q", c.reply.body, said)
		}
		if c.remove && !soon(func() bool { return !bob.has(id) }) || !c.remove && !bob.has(id) {
			t.Errorf("%s: removed %v, want %v", c.reply.body, !c.remove, c.remove)
		}
		if err := n.RemoveDevice(t.Context(), bob.UserID, id); err != nil {
			t.Fatal(err)
		}
	}
}

// What RFC 8030 and the services of Mozilla, Google, Apple and Microsoft document.
func TestWhatWebPushServicesSay(t *testing.T) {
	w := oneTown(t)
	w.timing.Call = time.Second
	n := w.node()
	ann, bob := n.person("ann"), n.person("bob")
	for i, c := range []struct {
		reply  reply
		result string
		says   string
		remove bool
	}{
		{reply{}, "sent", "took it", false},
		{reply{status: 200}, "sent", "took it", false},
		{reply{status: 202}, "sent", "took it", false}, // RFC 8030, section 5.1
		{reply{status: 301, body: "moved"}, "refused", "not followed", false},
		{reply{status: 307, body: "moved"}, "refused", "not followed", false},
		{reply{status: 400, body: `{"reason":"BadWebPushTopic"}`}, "refused", `400 Bad Request. {"reason":"BadWebPushTopic"}`, false},
		{reply{status: 401, body: `{"code":401,"errno":109,"error":"Unauthorized"}`}, "refused", "errno", false},
		{reply{status: 403, body: `{"reason":"BadJwtToken"}`}, "refused", "BadJwtToken", false},
		{reply{status: 404, body: `{"errno":102}`}, "removed", "404", true},
		{reply{status: 410, body: "push subscription has unsubscribed or expired."}, "removed", "expired", true},
		{reply{status: 413, body: "too large"}, "refused", "413", false},
		{reply{status: 408}, "later", "408", false},
		{reply{status: 429, body: "slow down"}, "later", "429", false},
		{reply{status: 500, body: strings.Repeat("<b>\x00\n", 10_000)}, "later", "500", false},
		{reply{status: 503}, "later", "503", false},
		{reply{hang: true}, "later", "did not answer in time", false},
	} {
		id := fmt.Sprint("browser", i)
		bob.browser(id)
		w.web.will(id, c.reply)
		n.sender.pauses = newPauses()
		ann.group(bob)
		if !soon(func() bool { return len(bob.log(id)) > 0 }) {
			t.Errorf("%d: nothing is written down", i)
			continue
		}
		if log := bob.log(id); strings.Fields(log[len(log)-1])[0] != c.result {
			t.Errorf("%d: %q, want %s", c.reply.status, log, c.result)
		}
		if said := bob.said(id); !strings.Contains(said, c.says) || strings.ContainsAny(said, "\x00\n") || len(said) > 4*maxDetail {
			t.Errorf("%d: the log says %q", c.reply.status, said)
		}
		if c.remove && !soon(func() bool { return !bob.has(id) }) || !c.remove && !bob.has(id) {
			t.Errorf("%d: removed %v, want %v", c.reply.status, !c.remove, c.remove)
		}
		if err := n.RemoveDevice(t.Context(), bob.UserID, id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAServiceThatFailsIsAskedAgain(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob, eve := n.person("ann"), n.person("bob"), n.person("eve")
		bob.phone("phone")
		eve.browser("browser")
		w.fcm.will("phone", reply{status: 500, body: "{}"}, reply{status: 503, body: "{}"}, reply{})
		w.web.will("browser", reply{status: 502}, reply{status: 429, after: "1"}, reply{})
		begin := time.Now()
		group := ann.group(bob, eve)
		ann.says(group) // changes nothing: it is on its way
		bob.hasLater("phone", "sent", "later", "later")
		eve.hasLater("browser", "sent", "later", "later")
		if took := time.Since(begin); took < time.Second {
			t.Errorf("asked again after %v, before the service's Retry-After", took)
		}
		if w.fcm.of("phone") != 3 || w.web.of("browser") != 3 {
			t.Errorf("asked %d and %d times", w.fcm.of("phone"), w.web.of("browser"))
		}
		n.quiet()
		if left := w.look.ZCard(t.Context(), laterKey).Val(); left != 0 {
			t.Errorf("%d are left to be sent later", left)
		}
	})
}

// hasLater is hasLog without what came meanwhile and found the device being woken up.
func (p *person) hasLater(id string, want ...string) {
	p.n.w.t.Helper()
	var got []string
	if !soon(func() bool {
		got = slices.DeleteFunc(p.log(id), func(r string) bool { return strings.HasPrefix(r, "waiting") })
		return slices.Equal(got, want)
	}) {
		p.n.w.t.Errorf("the log of %s is %q, want %q", id, got, want)
	}
}

// FCM's token server is Google's; what it says of this server's credentials is for the operator.
func TestATokenServerThatRefuses(t *testing.T) {
	w := oneTown(t)
	w.fcm.tokens.will("token", reply{status: 400, body: `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`}, reply{})
	n := w.node()
	ann, bob := n.person("ann"), n.person("bob")
	bob.phone("phone")
	ann.group(bob)
	bob.hasLog("phone", "sent", "later")
	if got := w.fcm.tokens.of("token"); got != 2 {
		t.Errorf("asked %d times for a token", got)
	}
	if text := w.look.LIndex(t.Context(), logKey(bob.UserID, "phone"), 1).Val(); strings.Contains(text, "JWT") || !strings.Contains(text, "Its operator finds the cause in its log.") {
		t.Errorf("the log says %q", text)
	}
}

func TestNoLongerThanAnHour(t *testing.T) {
	w := oneTown(t)
	w.timing.Outstanding = 400 * time.Millisecond
	n := w.node()
	ann, bob, eve := n.person("ann"), n.person("bob"), n.person("eve")
	bob.phone("phone")
	eve.browser("browser")
	w.fcm.will("phone", reply{status: 500, body: "{}"})
	w.web.will("browser", reply{status: 503, after: "3600"})
	ann.group(bob, eve)
	if !soon(func() bool { log := bob.log("phone"); return len(log) > 0 && log[0] == "refused" }) {
		t.Errorf("the log is %q", bob.log("phone"))
	}
	eve.hasLog("browser", "refused")
	if said := eve.said("browser"); !strings.Contains(said, "It was asked for long enough.") {
		t.Errorf("the log says %q", said)
	}
	if asked := w.fcm.of("phone"); asked < 3 || asked > 10 {
		t.Errorf("asked %d times", asked)
	}
	if !bob.has("phone") || !eve.has("browser") {
		t.Error("a device was removed because its service is down")
	}
}

func TestADeviceThatPolledIsNotWokenLater(t *testing.T) {
	w := oneTown(t)
	w.timing.Backoff = time.Second
	n := w.node()
	ann, bob := n.person("ann"), n.person("bob")
	bob.phone("phone")
	w.fcm.will("phone", reply{status: 500, body: "{}"}, reply{})
	ann.group(bob)
	bob.hasLog("phone", "later")
	n.sender.Entered(bob.UserID, bob.TokenID)
	if !soon(func() bool { return w.look.ZCard(t.Context(), laterKey).Val() == 0 }) {
		t.Fatal("it stays in the set")
	}
	n.quiet()
	if w.fcm.of("phone") != 1 {
		t.Errorf("asked %d times", w.fcm.of("phone"))
	}
}

// A service that is down keeps nobody else waiting, and is not called for each device that it has.
func TestAServiceThatIsDownHasItsPause(t *testing.T) {
	w := oneTown(t)
	w.timing.Backoff = time.Minute
	n := w.node()
	ann, bob := n.person("ann"), n.person("bob")
	for i := range 10 {
		bob.phone(fmt.Sprint("phone", i))
		bob.browser(fmt.Sprint("browser", i))
		w.fcm.will(fmt.Sprint("phone", i), reply{status: 429, after: "60", body: "{}"})
	}
	n.sender.calls = make(chan struct{}, 1)
	ann.group(bob)
	asked := 0
	for i := range 10 {
		bob.hasLog(fmt.Sprint("phone", i), "later")
		bob.hasLog(fmt.Sprint("browser", i), "sent")
		asked += w.fcm.of(fmt.Sprint("phone", i))
	}
	if asked != 1 {
		t.Errorf("FCM was asked %d times after it asked for a pause", asked)
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	p := newPauses()
	for range maxFailures - 1 {
		p.heed("a", answer{result: isLater})
	}
	p.heed("b", answer{result: isLater, after: time.Hour})
	if a, b, c := p.left("a"), p.left("b"), p.left("c"); a != 0 || b <= 59*time.Minute || c != 0 {
		t.Errorf("left %v, %v, %v", a, b, c)
	}
	p.heed("a", answer{result: isSent})
	p.heed("a", answer{result: isLater})
	if left := p.left("a"); left != 0 {
		t.Errorf("after an answer, one failure is a pause of %v", left)
	}
	for range maxFailures {
		p.heed("a", answer{result: isLater})
	}
	if left := p.left("a"); left <= 0 || left > pauseOfHost {
		t.Errorf("after %d failures a pause of %v", maxFailures, left)
	}
	for i := range 3 * pauseForgets {
		p.heed(fmt.Sprint(i), answer{result: isLater})
	}
	if n := len(p.failures) + len(p.until); n > pauseForgets+2 {
		t.Errorf("%d hosts are remembered", n)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "1.5": 0, "99999999": 24 * time.Hour, "99999999999999999999": 0,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):   time.Hour,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):  0,
		time.Now().AddDate(9, 0, 0).UTC().Format(http.TimeFormat): 24 * time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got > want || got < want-2*time.Second {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// A server without FCM says so in the log of a device, and can be given it later.
func TestWithoutFCM(t *testing.T) {
	w := oneTown(t)
	credentials := w.fcm.credentials
	w.fcm.credentials = ""
	n := w.node()
	ann, bob := n.person("ann"), n.person("bob")
	bob.phone("phone")
	group := ann.group(bob)
	bob.hasLog("phone", "off")
	n.close()

	w.fcm.credentials = credentials
	again := w.node()
	again.sender.Entered(bob.UserID, bob.TokenID)
	again.quiet()
	ann.n, bob.n = again, again
	ann.says(group)
	bob.hasLog("phone", "sent", "off")
}

func TestCredentialsThatAreNone(t *testing.T) {
	t.Parallel()
	f := newFCMService(t)
	data, err := os.ReadFile(f.credentials)
	if err != nil {
		t.Fatal(err)
	}
	without := func(field string) string {
		all := map[string]string{}
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		delete(all, field)
		return f.file(all)
	}
	for name, file := range map[string]string{
		"no file": f.credentials + "x", "a folder": t.TempDir(), "no JSON object": f.file("x"), "another kind": f.file(map[string]string{"type": "authorized_user"}),
		"no project": without("project_id"), "no key": without("private_key"), "nobody": without("client_email"),
	} {
		_, err := New(Config{FCMCredentials: file})
		if err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{FCMCredentials: f.credentials}); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeReached(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		result string
	}{
		{fmt.Errorf("dialling: %w", errPrivate), isRefused},
		{fmt.Errorf("calling: %w", context.DeadlineExceeded), isLater},
		{errors.New("connection refused"), isLater},
	} {
		if a := unreachable(c.err); a.result != c.result || a.detail == "" || strings.Contains(a.detail, "connection") {
			t.Errorf("%v is %+v", c.err, a)
		}
	}
}
