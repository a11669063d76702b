package handlers_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "devices"), shared.person(t, "other")
	second := *p
	second.token = shared.call(t, "", "POST", "/accounts/login/", fmt.Sprintf(`{"username":%q,"password":%q,"device":"Phone"}`, p.name, password)).must(t, 200).object(t)["token"].(string)

	a := second.does("GET", "/accounts/{}/tokens/", p).must(t, 200)
	tokens := a.object(t)["tokens"].([]any)
	if len(tokens) != 2 || strings.Contains(string(a.body), p.token) || strings.Contains(string(a.body), "hash") {
		t.Fatalf("the tokens are %s", a.body)
	}
	ids := map[string]any{}
	for _, token := range tokens {
		token := token.(map[string]any)
		if token["current"] != (token["device"] == "Phone") {
			t.Errorf("%v is said to be the current one, or not", token)
		}
		ids[token["device"].(string)] = int64(token["id"].(float64))
	}

	other.does("GET", "/accounts/{}/tokens/", p).must(t, 403)
	other.does("DELETE", "/accounts/{}/tokens/{}/", other, ids["Laptop"]).must(t, 404)
	p.does("GET", "/accounts/me/").must(t, 200)
	second.does("DELETE", "/accounts/{}/tokens/{}/", p, ids["Laptop"]).must(t, 204)
	p.does("GET", "/accounts/me/").must(t, 401)
	second.does("DELETE", "/accounts/{}/tokens/{}/", p, ids["Laptop"]).must(t, 404)

	second.says("POST", `{}`, "/accounts/logout/").must(t, 204)
	second.does("GET", "/accounts/me/").must(t, 401)
}
