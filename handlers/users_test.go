package handlers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"doran/chat"
	"doran/handlers"

	"github.com/google/go-cmp/cmp"
)

func TestSignUpAndLogin(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "Minji")
	for name, c := range map[string]struct {
		path, body string
		status     int
		code       string
		fields     []string
	}{
		"the name is taken":           {"signup", fmt.Sprintf(`{"username":%q,"password":%q}`, p.name, password), 409, "username_taken", nil},
		"in another spelling":         {"signup", fmt.Sprintf(`{"username":%q,"password":%q}`, strings.ToUpper(p.name), password), 409, "username_taken", nil},
		"nothing is given":            {"signup", `{}`, 422, "validation_failed", []string{"username required", "password required"}},
		"a short password":            {"signup", `{"username":"somebody-new","password":"short"}`, 422, "validation_failed", []string{"password too_short"}},
		"a long name":                 {"signup", `{"username":"` + strings.Repeat("n", 33) + `","password":"` + password + `"}`, 422, "validation_failed", []string{"username too_long"}},
		"a null":                      {"signup", `{"username":null,"password":"` + password + `"}`, 422, "validation_failed", []string{"username type"}},
		"an object for a string":      {"login", `{"username":{"$ne":""},"password":["x"]}`, 422, "validation_failed", []string{"username type", "password type"}},
		"a field that there is not":   {"login", `{"username":"x","password":"y","admin":true}`, 422, "validation_failed", []string{"admin unknown"}},
		"a field in other letters":    {"login", `{"Username":"x","password":"y"}`, 422, "validation_failed", []string{"username required", "Username unknown"}},
		"a wrong password":            {"login", fmt.Sprintf(`{"username":%q,"password":"not the one"}`, p.name), 401, "invalid_credentials", nil},
		"an unknown name":             {"login", `{"username":"nobody-at-all","password":"not the one"}`, 401, "invalid_credentials", nil},
		"a name that nobody can have": {"login", `{"username":"two words","password":"not the one"}`, 401, "invalid_credentials", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := shared.call(t, "", "POST", "/accounts/"+c.path+"/", c.body).must(t, c.status)
			if a.code(t) != c.code {
				t.Errorf("the code is %s, want %s", a.code(t), c.code)
			}
			if diff := cmp.Diff(c.fields, a.fieldErrors(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("another device", func(t *testing.T) {
		a := shared.call(t, "", "POST", "/accounts/login/", fmt.Sprintf(`{"username":%q,"password":%q}`, strings.ToUpper(p.name), password)).must(t, 200)
		if token := a.object(t)["token"]; token == p.token || token == "" {
			t.Errorf("a second login gives the token %v", token)
		}
		if strings.Contains(string(a.body), password) {
			t.Error("the password is in the answer")
		}
	})
}

func TestLoginRefusesAlike(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "alike")
	wrong := shared.call(t, "", "POST", "/accounts/login/", fmt.Sprintf(`{"username":%q,"password":"not the one"}`, p.name)).must(t, 401)
	unknown := shared.call(t, "", "POST", "/accounts/login/", `{"username":"nobody-here","password":"not the one"}`).must(t, 401)
	if diff := cmp.Diff(string(wrong.body), string(unknown.body)); diff != "" {
		t.Errorf("a wrong password and an unknown name are told apart: %s", diff)
	}
	for _, a := range []answer{wrong, unknown} { // what differs by itself
		a.header.Del("X-Request-Id")
		a.header.Del("Date")
	}
	if diff := cmp.Diff(wrong.header, unknown.header); diff != "" {
		t.Errorf("a wrong password and an unknown name are told apart: %s", diff)
	}
}

func TestSignUpClosed(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(_ *handlers.Config, domain *chat.Config) { domain.SignUpClosed = true })
	a := s.call(t, "", "POST", "/accounts/signup/", fmt.Sprintf(`{"username":"minji","password":%q}`, password)).must(t, 403)
	if a.code(t) != "forbidden" {
		t.Errorf("the code is %s", a.code(t))
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "changer")
	if a := p.says("POST", `{"old_password":"not the one","new_password":"staple in the rain"}`, "/accounts/password/").must(t, 403); a.code(t) != "wrong_password" {
		t.Errorf("the code is %s", a.code(t))
	}
	if a := p.says("POST", `{"old_password":"`+password+`","new_password":"short"}`, "/accounts/password/").must(t, 422); !slices.Equal(a.fieldErrors(t), []string{"new_password too_short"}) {
		t.Errorf("the fields are %v", a.fieldErrors(t))
	}
	a := p.says("POST", `{"old_password":"`+password+`","new_password":"staple in the rain"}`, "/accounts/password/").must(t, 200)
	p.does("GET", "/accounts/me/").must(t, 401)
	p.token = a.object(t)["token"].(string)
	p.does("GET", "/accounts/me/").must(t, 200)
	shared.call(t, "", "POST", "/accounts/login/", fmt.Sprintf(`{"username":%q,"password":%q}`, p.name, password)).must(t, 401)
}

func TestFindingUsers(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "finder"), shared.person(t, "found")
	for query, want := range map[string][]int64{
		"username=" + other.name:                                {other.id},
		"username=" + strings.ToUpper(other.name):               {other.id},
		"username=nobody-has-this":                              {},
		"username=two%20words":                                  {},
		"username=":                                             {},
		fmt.Sprintf("user_id=%d,%d,999999999", other.id, p.id):  {p.id, other.id},
		fmt.Sprintf("user_id=%d&unknown=passed+over", other.id): {other.id},
		fmt.Sprintf("user_id=%d,%d,%[1]d", other.id, other.id):  {other.id},
		"user_id=": nil,
	} {
		a := p.does("GET", "/accounts/?"+query)
		if want == nil {
			a.must(t, 422)
			continue
		}
		got := []int64{}
		for _, user := range a.must(t, 200).object(t)["users"].([]any) {
			got = append(got, int64(user.(map[string]any)["id"].(float64)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	p.does("GET", "/accounts/").must(t, 422)
	p.does("GET", "/accounts/?user_id="+strings.Repeat("1,", 100)+"1").must(t, 422)
	p.does("GET", "/accounts/?user_id=1&username=x").must(t, 422)
	one := p.does("GET", "/accounts/{}/", other).must(t, 200)
	for _, secret := range []string{"presence", "password", "token"} {
		if strings.Contains(string(one.body), secret) {
			t.Errorf("%s tells a stranger the %s", one.body, secret)
		}
	}
	p.does("GET", "/accounts/999999999/").must(t, 404)
}

func TestMe(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "me")
	me := p.does("GET", "/accounts/me/").must(t, 200).object(t)
	if me["presence"] != true || me["username"] != p.name {
		t.Errorf("I am %v", me)
	}
	if me := p.says("PATCH", `{"presence":false}`, "/accounts/me/").must(t, 200).object(t); me["presence"] != false {
		t.Errorf("I am %v", me)
	}
	p.says("PATCH", `{"presence":"no"}`, "/accounts/me/").must(t, 422)
	p.says("PATCH", `{"presence":true,"username":"x"}`, "/accounts/me/").must(t, 422)
}

func TestDeletingTheAccount(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "leaver"), shared.person(t, "stayer")
	if a := p.says("DELETE", `{"password":"not the one"}`, "/accounts/me/").must(t, 403); a.code(t) != "wrong_password" {
		t.Errorf("the code is %s", a.code(t))
	}
	p.says("DELETE", `{"password":"`+password+`"}`, "/accounts/me/").must(t, 204)
	p.does("GET", "/accounts/me/").must(t, 401)
	if user := other.does("GET", "/accounts/{}/", p).must(t, 200).object(t); user["username"] != nil {
		t.Errorf("the deleted user is %v", user)
	}
	other.does("POST", "/accounts/{}/friends/{}/", other, p).must(t, 404)
	shared.call(t, "", "POST", "/accounts/signup/", fmt.Sprintf(`{"username":%q,"password":%q}`, p.name, password)).must(t, 201)
}
