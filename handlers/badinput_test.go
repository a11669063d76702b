package handlers_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"doran/handlers"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	for name, c := range map[string]struct {
		contentType, body string
		code              string
	}{
		"nothing":                             {json, "", "invalid_json"},
		"white space":                         {json, " \n ", "invalid_json"},
		"no JSON":                             {json, "username=x", "invalid_json"},
		"two values":                          {json, `{} {}`, "invalid_json"},
		"half a value":                        {json, `{"username":"x"`, "invalid_json"},
		"a comma too many":                    {json, `{"username":"x",}`, "invalid_json"},
		"a comment":                           {json, `{}//x`, "invalid_json"},
		"single quotes":                       {json, `{'username':'x'}`, "invalid_json"},
		"a byte order mark":                   {json, "\ufeff{}", "invalid_json"},
		"a control character":                 {json, "{\"username\":\"a\x01b\"}", "invalid_json"},
		"broken UTF-8":                        {json, "{\"username\":\"\xff\"}", "invalid_json"},
		"UTF-8 of a surrogate":                {json, "{\"username\":\"\xed\xa0\x80\"}", "invalid_json"},
		"overlong UTF-8":                      {json, "{\"username\":\"\xc0\xaf\"}", "invalid_json"},
		"UTF-16":                              {json, "\xff\xfe{\x00}\x00", "invalid_json"},
		"a high surrogate alone":              {json, `{"username":"\ud800"}`, "invalid_json"},
		"a low surrogate alone":               {json, `{"username":"\uDC00"}`, "invalid_json"},
		"two high surrogates":                 {json, `{"username":"\ud83d\ud83d"}`, "invalid_json"},
		"a high one before a letter":          {json, `{"username":"\ud83dx"}`, "invalid_json"},
		"a high one before another escape":    {json, `{"username":"\ud83d\n\ude00"}`, "invalid_json"},
		"a surrogate in a name":               {json, `{"\ud800":1}`, "invalid_json"},
		"a surrogate after a pair":            {json, `{"username":"\ud83d\ude00\ude00"}`, "invalid_json"},
		"a surrogate after a backslash":       {json, `{"username":"\\\ud800"}`, "invalid_json"},
		"no surrogate after a backslash":      {json, `{"username":"\\ud800"}`, "validation_failed"},
		"a pair":                              {json, `{"username":"\ud83d\ude00"}`, "validation_failed"},
		"a doubled name":                      {json, `{"username":"a","username":"b"}`, "invalid_json"},
		"a doubled name, once escaped":        {json, `{"username":"a","\u0075sername":"b"}`, "invalid_json"},
		"a doubled name inside":               {json, `{"username":[{"a":{"b":1,"b":1}}]}`, "invalid_json"},
		"one name in two objects":             {json, `{"username":[{"a":1},{"a":1}],"a":1}`, "validation_failed"},
		"10,000 arrays":                       {json, strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "validation_failed"},
		"10,001 arrays":                       {json, strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), "invalid_json"},
		"32,000 arrays":                       {json, strings.Repeat("[", 32_000) + strings.Repeat("]", 32_000), "invalid_json"},
		"10,000 arrays, not closed":           {json, strings.Repeat(`{"a":[`, 10_000), "invalid_json"},
		"9,000 objects":                       {json, `{"username":` + strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9001), "validation_failed"},
		"10,000 fields":                       {json, "{" + manyFields(5000) + "}", "validation_failed"},
		"a huge number":                       {json, `{"username":1e999999,"password":-1e-999999}`, "validation_failed"},
		"a long number":                       {json, `{"username":` + strings.Repeat("9", 60_000) + `}`, "validation_failed"},
		"null":                                {json, `null`, "validation_failed"},
		"true":                                {json, `true`, "validation_failed"},
		"a number":                            {json, `0`, "validation_failed"},
		"white space around it":               {json, "\r\n\t {} \n", "validation_failed"},
		"a charset":                           {json + "; charset=UTF-8", `{}`, "validation_failed"},
		"JSON by another spelling":            {"Application/JSON", `{}`, "validation_failed"},
		"another charset":                     {json + "; charset=latin1", `{}`, "unsupported_media_type"},
		"no type":                             {"", `{}`, "unsupported_media_type"},
		"text":                                {"text/plain", `{}`, "unsupported_media_type"},
		"a form":                              {"application/x-www-form-urlencoded", `username=x&password=y`, "unsupported_media_type"},
		"parts":                               {"multipart/form-data; boundary=x", "--x\r\n\r\n{}\r\n--x--", "unsupported_media_type"},
		"JSON of another kind":                {"application/json-patch+json", `[]`, "unsupported_media_type"},
		"a type that cannot be read":          {"application/json; =", `{}`, "unsupported_media_type"},
		"two types":                           {"application/json, text/plain", `{}`, "unsupported_media_type"},
		"exactly 64 KiB":                      {json, `{"username":"` + strings.Repeat("x", 64<<10-15) + `"}`, "validation_failed"},
		"one byte more":                       {json, `{"username":"` + strings.Repeat("x", 64<<10-14) + `"}`, "too_large"},
		"a form's keys that make big slices":  {"application/x-www-form-urlencoded", `a[999999999]=1`, "unsupported_media_type"},
		"a prototype":                         {json, `{"__proto__":{"admin":true},"constructor":1}`, "validation_failed"},
		"a name with a line break in the log": {json, `{"a\nlevel=ERROR msg=forged":1}`, "validation_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if c.contentType != "" {
				header.Set("Content-Type", c.contentType)
			}
			a := shared.send(t, "POST", "/accounts/login/", header, c.body)
			if a.code(t) != c.code {
				t.Errorf("answered %d %.300s, want %s", a.status, a.body, c.code)
			}
			if len(a.body) > 8<<10 {
				t.Errorf("the answer has %d bytes", len(a.body))
			}
		})
	}
	packed := http.Header{"Content-Type": {json}, "Content-Encoding": {"gzip"}}
	if a := shared.send(t, "POST", "/accounts/login/", packed, "\x1f\x8b\x08"); a.code(t) != "unsupported_media_type" {
		t.Errorf("a packed body is answered %s", a.body)
	}
}

func manyFields(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"f%d":1`, i))
	}
	return strings.Join(names, ",")
}

// odd are bodies, ids and parameters that somebody tries.
var (
	oddBodies = []string{
		``, `{}`, `null`, `[]`, `"x"`, `{"a":1}`, `{`, "\xff", `{"content":null}`, `{"content":{"a":1}}`, `{"user_ids":"all"}`, `{"user_ids":[null]}`, `{"user_ids":[[1]]}`,
		`{"user_ids":[1,-5,2.5,"x",99999999999999999999]}`, `{"muted":"true"}`, `{"title":["x"]}`, `{"deleted":"yes"}`, `{"action":7}`, `{"presence":null}`, `{"content":"x","content":"y"}`,
		`{"content":"\ud800"}`, strings.Repeat("[", 10_000), `{"content":"` + strings.Repeat("\U0001f469\u200d", 5000) + `"}`, `{"title":"\u0000\u202e"}`, `{"client_id":"` + strings.Repeat("'", 30) + `"}`,
		`{"kind":"direct","user_ids":[1,2,3]}`, `{"password":"\u0000"}`, `{"username":"\u0000","password":"' OR 1=1 --"}`, `{"old_password":"","new_password":""}`,
	}
	oddIDs     = []string{"0", "-1", "1.5", "abc", "9007199254740992", "9223372036854775808", "%2f", "..", "%00", "1%20", "null", "me", "%F0%9F%98%80"}
	oddQueries = []string{
		"limit=0", "limit=-1", "limit=1.5", "limit=abc", "limit=99999999999999999999", "limit=", "limit=1&limit=1", "before=9223372036854775808", "after=-9223372036854775809",
		"before=1&after=1", "changed_after=x", "next=%00", "next=99999999999999999999.1", "next=0.0", "username=%ff", "username=" + strings.Repeat("x", 5000), "user_id=1,,2", "user_id=,", "%", "&&&=", "limit[]=1", "a;b",
	}
)

// Whatever is sent to whatever route, the answer is one that the document knows, and no 5xx: call holds each to that.
func TestNothingThatIsSentIsADefect(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "tester"), shared.person(t, "other")
	chatID := p.group(other)
	messageID := p.sends(chatID, "hello")
	valid := strings.NewReplacer("{user_id}", p.String(), "{chat_id}", fmt.Sprint(chatID), "{message_id}", fmt.Sprint(messageID), "{token_id}", "999999999", "{friend_id}", other.String(), "{target_id}", "999999999")

	for _, route := range slices.Sorted(maps.Keys(handlers.Routes(endpoints))) {
		method, pattern, _ := strings.Cut(route, " ")
		if harmful[route] {
			continue
		}
		ask := func(path, body string) { neverADefect(t, p, method, path, body) }
		for _, body := range bodiesFor(method, pattern) {
			ask(valid.Replace(pattern), body)
		}
		for _, query := range oddQueries {
			if method == http.MethodGet && strings.Trim(query, "%&=;ab[]") != "" {
				ask(valid.Replace(pattern)+"?"+query, "")
			}
		}
		for _, parameter := range parameters(pattern) {
			for _, id := range oddIDs {
				ask(valid.Replace(strings.Replace(pattern, parameter, id, 1)), "")
			}
		}
	}
}

// bodiesFor are fewer for a route that takes no fields: they all read their body with the same few lines.
func bodiesFor(method, pattern string) []string {
	body := document().Paths.Find(pattern).GetOperation(method).RequestBody
	if body == nil || body.Ref == "#/components/requestBodies/Nothing" {
		return oddBodies[:8]
	}
	return oddBodies
}

// harmful routes would end the session with which the others are asked; the matrix and the scenarios ask them.
var harmful = map[string]bool{"POST /accounts/logout/": true, "DELETE /chats/{chat_id}/": true, "DELETE /chats/{chat_id}/users/{user_id}/": true}

func parameters(pattern string) (names []string) {
	for _, part := range strings.Split(pattern, "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, part)
		}
	}
	return names
}

// Requests put together at random.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	p, other := shared.person(t, "random"), shared.person(t, "other")
	routes := slices.Sorted(maps.Keys(handlers.Routes(endpoints)))
	names := []string{"username", "password", "content", "client_id", "user_ids", "kind", "title", "action", "deleted", "muted", "presence", "x"}
	values := []string{`"direct"`, `"add"`, `""`, `"가"`, `null`, `true`, `1`, `-1`, `1.5`, `[]`, fmt.Sprintf(`[%d]`, other.id), fmt.Sprintf(`[%d,%[1]d]`, other.id), `{}`, `{"a":[{}]}`, `"\ud83d\ude00"`, `"\u200b"`}
	for range 300 {
		method, path, _ := strings.Cut(routes[random.IntN(len(routes))], " ")
		if harmful[method+" "+path] {
			continue
		}
		for _, parameter := range parameters(path) {
			id := fmt.Sprint(random.IntN(20))
			if random.IntN(3) == 0 {
				id = p.String()
			}
			path = strings.Replace(path, parameter, id, 1)
		}
		var fields []string
		for range random.IntN(4) {
			fields = append(fields, fmt.Sprintf("%q:%s", names[random.IntN(len(names))], values[random.IntN(len(values))]))
		}
		body := "{" + strings.Join(fields, ",") + "}"
		if cut := random.IntN(4 * len(body)); cut < len(body) {
			body = body[:cut]
		}
		neverADefect(t, p, method, path, body)
	}
	if t.Failed() {
		t.Logf("the seed was %d", seed)
	}
}

func neverADefect(t *testing.T, p *person, method, path, body string) {
	t.Helper()
	if method == http.MethodGet {
		body = ""
	}
	if a := p.says(method, body, path); a.status >= 500 {
		t.Errorf("%s %.80s with %.80q is answered %d %s", method, path, body, a.status, a.body)
	}
}
