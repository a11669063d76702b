package handlers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"doran/handlers"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// document is the served OpenAPI document, with every object closed: clients pass over fields that they do not know, but a field
// that we answer with and do not document fails the tests.
var document = sync.OnceValue(func() *openapi3.T {
	var tree any
	must(yaml.Unmarshal(handlers.OpenAPI, &tree))
	closeObjects(tree)
	data, err := json.Marshal(tree)
	must(err)
	loaded, err := openapi3.NewLoader().LoadFromData(data)
	must(err)
	return loaded
})

func closeObjects(node any) {
	switch node := node.(type) {
	case map[string]any:
		_, isObject := node["properties"].(map[string]any)
		if _, decided := node["additionalProperties"]; isObject && node["type"] == "object" && !decided {
			node["additionalProperties"] = false
		}
		for _, child := range node {
			closeObjects(child)
		}
	case []any:
		for _, child := range node {
			closeObjects(child)
		}
	}
}

var router = sync.OnceValue(func() routers.Router {
	r, err := gorillamux.NewRouter(document())
	must(err)
	return r
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func TestTheDocumentIsValid(t *testing.T) {
	if err := document().Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
}

func TestTheDocumentHasEveryRouteAndNoOther(t *testing.T) {
	var documented []string
	for path, item := range document().Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	slices.Sort(documented)
	var routes []string
	for route := range handlers.Routes(endpoints) {
		routes = append(routes, route)
	}
	slices.Sort(routes)
	if diff := cmp.Diff(routes, documented); diff != "" {
		t.Errorf("the table of routes (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

func TestTheDocumentSaysWhoNeedsNoToken(t *testing.T) {
	for route, who := range handlers.Routes(endpoints) {
		method, path, _ := strings.Cut(route, " ")
		security := document().Paths.Find(path).GetOperation(method).Security
		if open := security != nil && len(*security) == 0; open != (who == "anyone") {
			t.Errorf("%s is for %s, but the document says otherwise", route, who)
		}
	}
}

func TestTheDocumentHasEveryCode(t *testing.T) {
	var documented, known []string
	for _, code := range document().Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		documented = append(documented, code.(string))
	}
	for code := range handlers.Kinds() {
		known = append(known, code)
	}
	slices.Sort(documented)
	slices.Sort(known)
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("the catalogue (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

// checkAgainstDocument holds one exchange to the document: what was answered, and what was asked when it was accepted.
func checkAgainstDocument(t testing.TB, method, path string, header http.Header, body string, a answer) {
	t.Helper()
	ctx := context.Background()
	request, err := http.NewRequestWithContext(ctx, method, "http://doran"+path, strings.NewReader(body))
	if err != nil {
		return // too odd to be written down
	}
	request.Header = header
	route, parameters, err := findRoute(request)
	if err != nil {
		checkSchema(t, "Problem", a.body)
		return
	}
	input := &openapi3filter.RequestValidationInput{Request: request, Route: route, PathParams: parameters, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
	}}
	if a.status < 300 && method != http.MethodHead {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			t.Errorf("%s %s with %s was answered %d, but by openapi.yaml it is wrong: %v", method, path, body, a.status, err)
		}
	}
	response := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: a.status, Header: a.header, Options: input.Options}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		return
	}
	response.Body = io.NopCloser(bytes.NewReader(a.body))
	if err := openapi3filter.ValidateResponse(ctx, response); err != nil {
		t.Errorf("%s %s answered %d %s, which openapi.yaml does not know: %v", method, path, a.status, a.body, err)
	}
}

// findRoute also finds a path that lacks the slash of the document.
func findRoute(request *http.Request) (*routers.Route, map[string]string, error) {
	if route, parameters, err := router().FindRoute(request); err == nil {
		return route, parameters, nil
	}
	other := request.Clone(request.Context())
	if strings.HasSuffix(other.URL.Path, "/") {
		other.URL.Path = strings.TrimSuffix(other.URL.Path, "/")
	} else {
		other.URL.Path += "/"
	}
	return router().FindRoute(other)
}

func checkSchema(t testing.TB, name string, body []byte) {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Errorf("%s is no JSON: %v", body, err)
		return
	}
	if err := document().Components.Schemas[name].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s is no %s: %v", body, name, err)
	}
}
