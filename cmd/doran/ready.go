package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"doran/config"
)

// readyTimeout is longer than the server itself takes to ask its parts.
const readyTimeout = partTimeout + time.Second

// ready asks the server on this machine. It is the health check of containers, which have no other program in them.
func ready(ctx context.Context, env environment) error {
	c, err := config.Load(env.environ)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+here(c.AdminAddr)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no server answers at DORAN_ADMIN_ADDR: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(env.stdout, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: %s", res.Status)
	}
	return nil
}

// here is how a program on this machine reaches an address that is listened on.
func here(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
