package handlers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The keys of RFC 8291, appendix A.
const subscription = `{"kind":"webpush","endpoint":"https://push.example/%s","keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}`

func TestDevices(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "devices"), shared.person(t, "other")
	p.says("PUT", `{"kind":"fcm","token":"secret-of-the-phone"}`, "/accounts/{}/devices/{}/", p, "phone").must(t, 201)
	p.says("PUT", `{"kind":"fcm","token":"newer-secret-of-the-phone"}`, "/accounts/{}/devices/{}", p, "phone").must(t, 200)
	p.says("PUT", fmt.Sprintf(subscription, "secret"), "/accounts/{}/devices/{}/", p, "browser.1_A-z").must(t, 201)

	a := p.does("GET", "/accounts/{}/devices/", p).must(t, 200)
	devices := a.object(t)["devices"].([]any)
	if len(devices) != 2 || devices[0].(map[string]any)["device_id"] != "phone" || devices[0].(map[string]any)["current"] != true {
		t.Errorf("the devices are %s", a.body)
	}
	for _, secret := range []string{"secret", "push.example", "BTBZMqHH6r4Tts7J_aSIgg"} {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("%s is shown: %s", secret, a.body)
		}
	}
	other.does("GET", "/accounts/{}/devices/", p).must(t, 403)
	other.does("DELETE", "/accounts/{}/devices/{}/", p, "phone").must(t, 403)
	other.does("DELETE", "/accounts/{}/devices/{}/", other, "phone").must(t, 204)

	p.does("DELETE", "/accounts/{}/devices/{}/", p, "phone").must(t, 204)
	p.does("DELETE", "/accounts/{}/devices/{}/", p, "phone").must(t, 204)
	if devices := p.does("GET", "/accounts/{}/devices/", p).must(t, 200).object(t)["devices"].([]any); len(devices) != 1 {
		t.Errorf("after one was removed: %v", devices)
	}
	p.does("POST", "/accounts/logout/").must(t, 204)
}

func TestWhatIsNoDevice(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "nodevice")
	for body, want := range map[string][]string{
		`{}`:                                   {"kind required"},
		`{"kind":1}`:                           {"kind type"},
		`{"kind":"apns","token":"x"}`:          {"kind invalid"},
		`{"kind":"fcm"}`:                       {"token required"},
		`{"kind":"fcm","token":""}`:            {"token too_short"},
		`{"kind":"fcm","token":"a","keys":{}}`: {"keys unknown"},
		`{"kind":"webpush"}`:                   {"endpoint required", "keys.p256dh required", "keys.auth required"},
		`{"kind":"webpush","endpoint":"https://push.example","keys":1}`:                                                           {"keys type", "keys.p256dh required", "keys.auth required"},
		`{"kind":"webpush","endpoint":"https://push.example","keys":{"p256dh":1,"auth":null}}`:                                    {"keys.p256dh type", "keys.auth type"},
		`{"kind":"webpush","endpoint":"https://push.example","keys":{"p256dh":"x","auth":"x","more":1}}`:                          {"keys.more unknown"},
		`{"kind":"webpush","endpoint":"http://10.0.0.1","keys":{"p256dh":"x","auth":"x"}}`:                                        {"endpoint invalid", "keys.p256dh invalid", "keys.auth invalid"},
		`{"kind":"webpush","endpoint":"https://push.example","keys.p256dh":"x","keys.auth":"x","keys":{"p256dh":"x","auth":"x"}}`: {"keys.auth unknown", "keys.p256dh unknown"},
	} {
		a := p.says("PUT", body, "/accounts/{}/devices/{}/", p, "d").must(t, 422)
		got := a.fieldErrors(t)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s is refused for %q, want %q", body, got, want)
		}
	}
	for _, id := range []string{"a%20b", "a%2Fb", "%00", "한", strings.Repeat("a", 65)} {
		p.says("PUT", `{"kind":"fcm","token":"t"}`, "/accounts/{}/devices/"+id+"/", p).must(t, 422)
		p.does("DELETE", "/accounts/{}/devices/"+id+"/", p).must(t, 422)
	}
}

func TestTheWebPushKeyStays(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "browser")
	first := p.does("GET", "/realtime/webpush/").must(t, 200).object(t)["public_key"].(string)
	if again := p.does("GET", "/realtime/webpush").must(t, 200).object(t)["public_key"]; again != first || len(first) != 87 || first[0] != 'B' {
		t.Errorf("%v, then %v", first, again)
	}
}
