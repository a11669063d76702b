package handlers

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// The methods of the table.
const (
	GET    = fiber.MethodGet
	POST   = fiber.MethodPost
	PUT    = fiber.MethodPut
	PATCH  = fiber.MethodPatch
	DELETE = fiber.MethodDelete
)

// route is one row of the table.
type route struct {
	method, path string
	who          access
	limit        fiber.Handler // refuses who asks too often; nil: only the general ceilings
	handle       fiber.Handler // nil: there is no such route
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// register puts the table into the application: each path in both forms, HEAD beside GET, and 405 for the rest. Paths are
// matched in the order of the table, so a fixed one stands before one with a parameter in the same place.
func register(app *fiber.App, routes []route, serve func(route) fiber.Handler) {
	routes = slices.DeleteFunc(routes, func(r route) bool { return r.handle == nil })
	methods := methodsOf(routes)
	for i, r := range routes {
		add := func(method string, handler fiber.Handler) {
			pattern := strings.TrimSuffix(parameter.ReplaceAllString(r.path, ":$1"), "/")
			app.Add(method, pattern, handler)
			app.Add(method, pattern+"/", handler)
		}
		for _, method := range answering(r.method) {
			add(method, serve(r))
		}
		if last := !slices.ContainsFunc(routes[i+1:], func(later route) bool { return later.path == r.path }); last {
			for _, method := range fiber.DefaultMethods {
				if !slices.Contains(methods[r.path], method) {
					add(method, notAllowed(methods[r.path]))
				}
			}
		}
	}
}

// answering are the methods that a route of this method answers.
func answering(method string) []string {
	if method == GET {
		return []string{GET, fiber.MethodHead}
	}
	return []string{method}
}

func methodsOf(routes []route) map[string][]string {
	methods := map[string][]string{}
	for _, r := range routes {
		methods[r.path] = append(methods[r.path], answering(r.method)...)
		slices.Sort(methods[r.path])
	}
	return methods
}

func notAllowed(methods []string) fiber.Handler {
	allow := strings.Join(methods, ", ")
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return refuse(codeMethodNotAllowed, "This path takes %s.", allow)
	}
}

var knownMethods = fiber.DefaultMethods

func knownMethod(method string) bool { return slices.Contains(knownMethods, method) }
