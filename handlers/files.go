package handlers

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed docs
var docs embed.FS

//go:embed openapi.yaml
var openAPI []byte

// files are the pages: the API's document and its reader, and the web client. All are read once, so that a request can name no other.
func (a *api) files() []route {
	document := mustJSON(openAPI)
	routes := []route{
		{GET, "/openapi.yaml", anyone, nil, file("application/yaml", docsPolicy, openAPI)},
		{GET, "/openapi.json", anyone, nil, file(fiber.MIMEApplicationJSON, docsPolicy, document)},
	}
	pages, _ := fs.Sub(docs, "docs") // it fails only for a path that is none
	routes = append(routes, folder("/docs", pages, docsPolicy)...)
	if a.Web != nil {
		routes = append(routes, folder("", a.Web, webPolicy)...)
	}
	return routes
}

// What a page may do in a browser: nothing but what comes from here. The web client also opens sockets to its own host.
const (
	docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	webPolicy  = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; worker-src 'self'; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

// folder serves each file at its path, and index.html at the folder's own. What cannot be read is a mistake of the build.
func folder(prefix string, files fs.FS, policy string) []route {
	var routes []route
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		at := prefix + "/" + strings.TrimSuffix(name, "index.html")
		serve := file(contentType(name, content), policy, content)
		if strings.HasPrefix(name, "assets/") {
			serve = forever(serve)
		}
		routes = append(routes, route{GET, at, anyone, nil, serve})
		return nil
	})
	if err != nil {
		panic("handlers: reading the pages: " + err.Error())
	}
	return routes
}

func contentType(name string, content []byte) string {
	if byName := mime.TypeByExtension(path.Ext(name)); byName != "" {
		return byName
	}
	return http.DetectContentType(content)
}

// forever lets browsers keep what has a hash of its content in its name.
func forever(serve fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		err := serve(c)
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
		return err
	}
}

// file answers with content that does not change while the server runs. A browser asks each time whether it still holds.
func file(contentType, policy string, content []byte) fiber.Handler {
	sum := sha256.Sum256(content)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	content = bytes.Clone(content)
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentSecurityPolicy, policy)
		c.Set(fiber.HeaderCacheControl, "no-cache")
		c.Set(fiber.HeaderETag, tag)
		if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), tag) {
			return c.SendStatus(fiber.StatusNotModified)
		}
		c.Set(fiber.HeaderContentType, contentType)
		return c.Send(content)
	}
}
