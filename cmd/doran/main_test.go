package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"doran/internal/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv(serveAsChild) != "" {
		main()
	}
	testenv.Main(m)
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		name, args, environ string
		status              int
		stdout, stderr      string // what each contains; "" is nothing at all
	}{
		{name: "help", args: "help", stdout: "DORAN_DATABASE_URL"},
		{name: "--help", args: "--help", stdout: "serve "},
		{name: "help of a command", args: "serve --help", stdout: "Usage: doran COMMAND"},
		{name: "nothing", status: 2, stderr: "Usage: doran COMMAND"},
		{name: "version", args: "version", stdout: "doran "},
		{name: "unknown command", args: "sreve", status: 2, stderr: `"sreve" is not understood; ` + "`doran help`"},
		{name: "too much", args: "serve now", status: 2, stderr: `"now" is not understood`},
		{name: "unknown variable", args: "serve", environ: "DORAN_REDIS=redis://x", status: 1, stderr: "DORAN_REDIS is not known; did you mean DORAN_REDIS_URL?"},
		{name: "wrong variable", args: "migrate", environ: "DORAN_SIGNUP=maybe", status: 1, stderr: "DORAN_SIGNUP is none of open, closed"},
		{name: "no such database", args: "migrate", environ: "DORAN_DATABASE_URL=sqlite:///nowhere/at/all.db", status: 1, stderr: "/nowhere/at/all.db"},
		{name: "no server", args: "ready", environ: "DORAN_ADMIN_ADDR=127.0.0.1:1", status: 1, stderr: "no server answers at DORAN_ADMIN_ADDR"},
		{name: "a database that is down", args: "migrate", environ: "DORAN_DATABASE_URL=mysql://root:secret@127.0.0.1:1/doran", status: 1, stderr: "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), strings.Fields(c.args), strings.Fields(c.environ), &stdout, &stderr); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			for _, out := range []struct{ name, got, want string }{{"stdout", stdout.String(), c.stdout}, {"stderr", stderr.String(), c.stderr}} {
				if !strings.Contains(out.got, out.want) || (out.want == "") != (out.got == "") {
					t.Errorf("%s: %q, want %q", out.name, out.got, out.want)
				}
				if strings.Contains(out.got, "secret") {
					t.Errorf("%s shows a secret: %q", out.name, out.got)
				}
			}
		})
	}
}

func TestMigrate(t *testing.T) {
	testenv.Databases(t, func(t *testing.T, url string) {
		for range 2 {
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), []string{"migrate"}, []string{"DORAN_DATABASE_URL=" + url}, &stdout, &stderr); status != 0 {
				t.Fatalf("status %d: %s", status, stderr.String())
			}
			if !strings.Contains(stdout.String(), "is at version") {
				t.Errorf("%q", stdout.String())
			}
		}
	})
}
