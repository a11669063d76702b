package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"doran/config"

	"golang.org/x/sync/errgroup"
)

// Ten seconds after SIGTERM the process has ended: requests and sockets have seven of them, the rest is for what they leave behind.
const (
	drainTime = 7 * time.Second
	closeTime = 2 * time.Second
)

// serve runs the server until ctx ends.
func serve(ctx context.Context, env environment) error {
	c, err := config.Load(env.environ)
	if err != nil {
		return err
	}
	if env.demo {
		leave, err := demoConfig(&c)
		if err != nil {
			return err
		}
		defer leave()
	}
	log := newLog(c, env.stderr)
	for _, warning := range c.Warnings() {
		log.Warn(warning)
	}
	public, err := listen(c.HTTPAddr, "DORAN_HTTP_ADDR")
	if err != nil {
		return err
	}
	defer func() { _ = public.Close() }()
	private, err := listen(c.AdminAddr, "DORAN_ADMIN_ADDR")
	if err != nil {
		return err
	}
	defer func() { _ = private.Close() }()

	n, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	town, err := n.settle(ctx, env.demo)
	if err != nil {
		n.close()
		return err
	}
	admin := &http.Server{Handler: n.admin(), ReadHeaderTimeout: 5 * time.Second}
	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return ignoreClosed(n.app.Listener(public)) })
	serving.Go(func() error { return ignoreClosed(admin.Serve(private)) })
	serving.Go(func() error { n.warnOfRedis(ctx); return nil })
	n.ready.Store(true)
	n.welcome(env.stdout, public.Addr(), private.Addr())
	if town != nil {
		invite(env.stdout, town, browse(public.Addr()))
		serving.Go(func() error { town.Live(ctx); return nil })
	}

	<-ctx.Done()
	n.ready.Store(false)
	log.Info("ending: no new work; running requests have their time")
	n.drain()
	n.closeWithin(closeTime)
	_ = public.Close() // it is open still when the end came before the beginning
	_ = admin.Close()  // last, as it says until then that the node is not ready
	if err := serving.Wait(); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	log.Info("ended")
	return nil
}

// warnOfRedis says at the start when Redis does not answer: sending works without it, so a mistyped address would go unnoticed. A database that does
// not answer ends the start, and the connection to the broker speaks for itself.
func (n *node) warnOfRedis(ctx context.Context) {
	ask, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	if err := n.inbox.Client().Ping(ask).Err(); err != nil && ctx.Err() == nil {
		n.log.Warn("Redis does not answer: until it does, messages are stored, and nobody is told of them", "error", err)
	}
}

// drain sends whoever is connected to another node, which also ends polls and streams, and lets running requests end. Those may
// still send: the bus that wakes readers on other nodes goes on until they have.
func (n *node) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := errors.Join(n.realtime.Drain(ctx), n.app.ShutdownWithContext(ctx)); err != nil {
		n.log.Warn("some requests were cut off", "err", err)
	}
}

// closeWithin closes the parts. A database that does not answer keeps nobody from ending: what it has, it has.
func (n *node) closeWithin(limit time.Duration) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		n.close()
	}()
	select {
	case <-closed:
	case <-time.After(limit):
		n.log.Warn("some parts were left without a farewell, as they do not answer")
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
