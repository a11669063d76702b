package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"doran/config"
	"doran/internal/demo"
)

// demoConfig gives a demo a database of its own, which goes with it, so that no demo writes into what is kept.
func demoConfig(c *config.Config) (leave func(), err error) {
	dir, err := os.MkdirTemp("", "doran-demo-")
	if err != nil {
		return nil, err
	}
	c.DatabaseURL = "sqlite://" + filepath.ToSlash(filepath.Join(dir, "doran.db"))
	return func() { _ = os.RemoveAll(dir) }, nil
}

// settle gives a demo its people; nil when it is none.
func (n *node) settle(ctx context.Context, isDemo bool) (*demo.Town, error) {
	if !isDemo {
		return nil, nil
	}
	return demo.Fill(ctx, n.service)
}

// invite says where to look.
func invite(w io.Writer, town *demo.Town, url string) {
	_, _ = fmt.Fprintf(w, "  A few people are chatting. Open this address to join them as %s; the server forgets it all when it ends.\n\n  %s/#%s\n\n",
		town.Guest.Username, url, town.Guest.Fragment())
}
