// Doran is a self-hosted chat server: see `doran help`.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"doran/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// A command does one thing until it is done, or ctx is.
type command struct {
	name, summary string
	run           func(ctx context.Context, env environment) error
}

// environment is what a command works with.
type environment struct {
	environ        []string
	stdout, stderr io.Writer
	demo           bool // serve --demo
}

func commands() []command {
	return []command{
		{"serve", "run the server; with no configuration it needs nothing installed (--demo: a fresh one, with people in it who chat)", serve},
		{"migrate", "bring the database's tables up to date and end", migrate},
		{"ready", "ask the server on this machine whether it is ready, for health checks", ready},
		{"version", "say which version this is", version},
		{"help", "say this", help},
	}
}

// run is the whole program, and gives its exit status: 0, 1 for what went wrong, 2 for what was not understood.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	env := environment{environ: environ, stdout: stdout, stderr: stderr}
	if slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" }) {
		args = []string{"help"}
	}
	if len(args) == 0 {
		_ = help(ctx, environment{stdout: stderr})
		return 2
	}
	if slices.Equal(args, []string{"serve", "--demo"}) {
		env.demo, args = true, args[:1]
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 || len(args) > 1 {
		_, _ = fmt.Fprintf(stderr, "doran: %q is not understood; `doran help` lists the commands\n", args[max(0, min(i+1, len(args)-1))])
		return 2
	}
	if err := commands()[i].run(ctx, env); err != nil {
		_, _ = fmt.Fprintf(stderr, "doran: %v\n", err)
		return 1
	}
	return 0
}

func help(_ context.Context, env environment) error {
	_, _ = fmt.Fprint(env.stdout, "Doran is a self-hosted chat server.\n\nUsage: doran COMMAND\n\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(env.stdout, "  %-9s %s\n", c.name, c.summary)
	}
	_, _ = fmt.Fprint(env.stdout, "\nIt is told what to do by these variables (name, default, meaning):\n\n")
	config.Describe(env.stdout)
	return nil
}
