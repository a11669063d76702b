// Package house holds the repository to its own shape.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// ban says what a package and those below it must not depend on, not even through others, and why.
type ban struct{ from, on, why string }

var bans = []ban{
	{"doran/config", "doran/", "each package is given its part of the configuration and none asks for it, so it knows nobody"},
	{"doran/ent", "doran/chat", "the tables know no rules"},
	{"doran/ent", "github.com/gofiber/", "the tables know no protocol"},

	{"doran/chat", "github.com/gofiber/", "the domain knows no HTTP: every protocol translates its errors in one place"},
	{"doran/chat", "github.com/valyala/fasthttp", "the domain knows no HTTP"},
	{"doran/chat", "github.com/redis/", "what was said is in the database alone; Redis may be emptied at any moment"},
	{"doran/chat", "github.com/eclipse/", "the domain knows no broker"},
	{"doran/chat", "doran/handlers", "the domain is called and does not call"},
	{"doran/chat", "doran/realtime", "what happened leaves the domain through chat.Outlet"},
	{"doran/chat", "doran/internal/database", "the domain is given its database"},
	{"doran/chat", "doran/config", "the domain is given its settings"},

	{"doran/handlers", "doran/realtime", "the API takes the realtime endpoints as values, so that each can change alone"},
	{"doran/handlers", "doran/ent", "a handler asks the domain; who may is decided there"},
	{"doran/handlers", "doran/config", "the API is given its settings"},
	{"doran/realtime", "doran/handlers", "delivery does not know who else is served"},
	{"doran/realtime", "doran/ent", "delivery asks the domain; what somebody may see is decided there"},
	{"doran/realtime", "doran/config", "delivery is given its settings"},
	{"doran/realtime/inbox", "github.com/gofiber/", "the inbox is the same for every transport"},
	{"doran/realtime/inbox", "github.com/eclipse/", "the inbox is the same for every transport"},

	{"doran/cmd", "doran/internal/testenv", "test support stays out of the program"},
	{"doran/internal/database", "doran/chat", "opening a database needs no rules"},
	{"doran/internal/embedded", "doran/chat", "the embedded parts are what a real service would be"},
}

// directOnly are bans on one's own imports: the domain itself needs the tables, so whoever needs the domain has them too.
var directOnly = map[string]bool{"doran/ent": true}

// goPackage is what `go list -json` says of a package; tests are not counted.
type goPackage struct {
	ImportPath    string
	Imports, Deps []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "doran/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

func TestImportDirections(t *testing.T) {
	all := packages(t)
	for _, b := range bans {
		found := false
		for _, p := range all {
			if !within(p.ImportPath, b.from) {
				continue
			}
			found = true
			on := p.Deps
			if directOnly[b.on] {
				on = p.Imports
			}
			for _, dependency := range on {
				if within(dependency, b.on) && !within(dependency, b.from) {
					t.Errorf("%s depends on %s: %s", p.ImportPath, dependency, b.why)
				}
			}
		}
		if !found {
			t.Errorf("the ban for %s concerns no package", b.from)
		}
	}
}
