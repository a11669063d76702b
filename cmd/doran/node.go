package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"doran/chat"
	"doran/config"
	"doran/handlers"
	"doran/internal/database"
	"doran/internal/embedded"
	"doran/realtime"
	"doran/realtime/inbox"
	"doran/realtime/mqtt"
	"doran/realtime/presence"
	"doran/realtime/push"
	"doran/web"

	"github.com/gofiber/fiber/v2"
)

// node is one server: the database holds what was said, the service knows the rules, the inbox keeps what each user is told, and
// realtime and app are how clients reach it.
type node struct {
	config   config.Config
	log      *slog.Logger
	redisURL string
	database *database.DB
	service  *chat.Service
	inbox    *inbox.Inbox
	realtime *realtime.Server
	presence *presence.Keeper
	mqtt     *mqtt.Forwarder
	broker   mqtt.Broker
	push     *push.Sender
	app      *fiber.App
	ready    atomic.Bool // from the first request until SIGTERM

	closers []func() // what was opened, in order
}

// open makes a node that is ready to listen. Nothing is left open when it fails.
func open(ctx context.Context, c config.Config, log *slog.Logger) (_ *node, err error) {
	n := &node{config: c, log: log}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	redisID, err := n.openRedis()
	if err != nil {
		return nil, err
	}
	if err := n.openDatabase(ctx); err != nil {
		return nil, err
	}

	n.mqtt = mqtt.NewForwarder(mqtt.Config{Log: log})
	n.push, err = push.New(push.Config{FCMCredentials: c.FCMCredentials, FCMEndpoint: c.FCMEndpoint, WebPushSubject: c.WebPushSubject, Log: log})
	if err != nil {
		return nil, fmt.Errorf("DORAN_FCM_CREDENTIALS: %w", err)
	}
	n.presence = presence.New(presence.Config{Tell: n.tellPresence, Entered: n.push.Entered, Ended: n.foregroundEnded, Log: log})
	n.realtime = realtime.New(realtime.Config{Origins: c.Origins, Presence: n.presence, Log: log})
	n.service = chat.New(chat.Config{
		Client:       n.database.Client,
		DB:           n.database.SQL,
		Dialect:      n.database.Dialect,
		Outlet:       outlets{n.realtime, n.mqtt},
		Online:       n.presence.Online,
		Limits:       domainLimits(c.Limits),
		SignUpClosed: c.SignUpClosed,
		Log:          log,
	})
	n.closers = append(n.closers, n.service.Close)

	n.inbox, err = inbox.Open(inbox.Config{Service: n.service, Redis: n.redisURL, Embedded: redisID, Wake: n.wake, Published: n.push.Published, Log: log})
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, n.inbox.Close)

	if err := n.openBroker(); err != nil {
		return nil, err
	}
	n.mqtt.Start(n.service, n.inbox, n.broker)
	n.push.Start(n.service, n.inbox.Client)
	n.presence.Start(n.inbox.Client)
	n.realtime.Start(n.service, n.inbox)
	n.closers = append(n.closers, n.mqtt.Close, n.push.Close, n.presence.Close, n.closeRealtime)
	n.app = handlers.New(handlers.Config{
		Service: n.service,
		Realtime: handlers.Endpoints{
			WebSocket: n.realtime.WebSocket, Poll: n.realtime.Poll, SSE: n.realtime.SSE, Ticket: n.realtime.Ticket,
			MQTTGrant: n.mqtt.Grant, MQTTRevoke: n.mqtt.Revoke, DeviceLog: n.push.DeviceLog,
		},
		Limits:         n.rateLimits(),
		Web:            web.Files(),
		Origins:        c.Origins,
		TrustedProxies: c.TrustedProxies,
		Log:            log,
		Ready:          n.ready.Load,
	})
	return n, nil
}

// openRedis starts the embedded Redis when it is the one to use, and gives the name by which the inboxes know it.
func (n *node) openRedis() (id string, err error) {
	addr := config.Embedded(n.config.RedisURL)
	if addr == "" {
		n.redisURL = n.config.RedisURL
		return "", nil
	}
	redis, err := embedded.StartRedis(addr)
	if err != nil {
		return "", explainTaken(err, addr, "DORAN_REDIS_URL")
	}
	n.closers = append(n.closers, redis.Close)
	n.redisURL = redis.URL
	return redis.ID, nil
}

func (n *node) openDatabase(ctx context.Context) (err error) {
	if n.database, err = database.Open(ctx, n.config.DatabaseURL); err != nil {
		return err
	}
	n.closers = append(n.closers, func() { _ = n.database.Close() })
	version, err := n.database.Migrate(ctx)
	n.log.Debug("the database's tables are up to date", "version", version)
	return err
}

// closeRealtime waits for nobody: who was connected has been drained by now, or had the time to leave.
func (n *node) closeRealtime() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = n.realtime.Close(ctx)
}

// close closes what was opened, the last first.
func (n *node) close() {
	for i := len(n.closers) - 1; i >= 0; i-- {
		n.closers[i]()
	}
}
