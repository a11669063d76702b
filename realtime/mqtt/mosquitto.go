package mqtt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"doran/chat"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Mosquitto is a Mosquitto 2 with its dynamic security plugin. It queues for devices that are away; a payload counts as taken with its PUBACK.
//
// One connection at a time carries payloads and the plugin's commands. It has a clean session and does not reconnect: paho
// completes the tokens of a connection that reconnects without an error although nothing was confirmed (its issue 563). After a
// loss a new client is made, which first sets and checks what keeps devices apart.
type Mosquitto struct {
	log     *slog.Logger
	events  Events
	server  string // as paho takes it
	user    string
	pass    string
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	link *link // nil while there is none
	err  error // why
}

// MosquittoConfig is what a Mosquitto is made of.
type MosquittoConfig struct {
	URL    string // mqtt://admin:password@host:1883 or mqtts://…
	Events Events
	Log    *slog.Logger
}

// How long things may take, and how soon a broker that does not answer is noticed.
const (
	dialTime    = 5 * time.Second
	commandTime = 5 * time.Second
	publishTime = 10 * time.Second
	aliveEvery  = 10 * time.Second
	longestBack = 15 * time.Second // between two attempts
)

// OpenMosquitto begins to connect, and fails only for a URL that is none: the broker may come later.
func OpenMosquitto(c MosquittoConfig) (*Mosquitto, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.User.Username() == "" {
		return nil, errors.New("the MQTT broker's URL is not of the form mqtt://admin:password@host:1883")
	}
	scheme, port := "tcp", "1883"
	if u.Scheme == "mqtts" {
		scheme, port = "ssl", "8883"
	}
	if u.Port() != "" {
		port = u.Port()
	}
	m := &Mosquitto{log: c.Log, events: c.Events, server: scheme + "://" + net.JoinHostPort(u.Hostname(), port), user: u.User.Username(),
		err: errors.New("not connected yet")}
	m.pass, _ = u.User.Password()
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.running.Go(func() { m.keep(ctx) })
	return m, nil
}

// keep holds a link until ctx ends.
func (m *Mosquitto) keep(ctx context.Context) {
	wasUp := false
	for failures := 0; ctx.Err() == nil; {
		l, err := m.connect(ctx)
		if err == nil {
			failures = 0
			m.set(l, nil)
			m.log.Info("mqtt: connected to the broker", "server", m.server)
			if wasUp && m.events.Back != nil {
				m.events.Back()
			}
			wasUp = true
			select {
			case <-l.lost:
				err = l.reason()
			case <-ctx.Done():
				err = errors.New("closed")
			}
			m.set(nil, err)
			l.close()
		} else {
			m.set(nil, err)
		}
		if ctx.Err() != nil {
			return
		}
		if failures == 0 {
			m.log.Warn("mqtt: the broker cannot be used; messages wait in their inboxes", "server", m.server, "err", err)
		}
		failures++
		select {
		case <-ctx.Done():
		case <-time.After(min(longestBack, 250*time.Millisecond<<min(failures-1, 8))):
		}
	}
}

func (m *Mosquitto) set(l *link, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.link, m.err = l, err
}

func (m *Mosquitto) connected() (*link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == nil {
		return nil, down(m.err)
	}
	return m.link, nil
}

// connect makes a link that may be used: what keeps devices apart was set and is as it should be.
func (m *Mosquitto) connect(ctx context.Context) (*link, error) {
	if err := m.refusesStrangers(); err != nil {
		return nil, err
	}
	l := newLink()
	options := m.options("doran-node-" + rand.Text()).SetUsername(m.user).SetPassword(m.pass).
		SetConnectionLostHandler(func(_ paho.Client, err error) { l.lose(err) })
	l.client = paho.NewClient(options)
	if err := wait(ctx, l.client.Connect(), dialTime); err != nil {
		return nil, fmt.Errorf("connecting to the MQTT broker: %w", err)
	}
	if err := l.prepare(ctx, m.user); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (m *Mosquitto) options(clientID string) *paho.ClientOptions {
	return paho.NewClientOptions().AddBroker(m.server).SetClientID(clientID).SetCleanSession(true).SetAutoReconnect(false).
		SetConnectRetry(false).SetConnectTimeout(dialTime).SetWriteTimeout(commandTime).SetKeepAlive(aliveEvery).
		SetPingTimeout(aliveEvery / 2).SetProtocolVersion(4).SetOrderMatters(false)
}

// refusesStrangers fails for a broker that lets anybody in: by taking over a client id they could make a device's queue vanish.
func (m *Mosquitto) refusesStrangers() error {
	stranger := paho.NewClient(m.options("doran-stranger-" + rand.Text()))
	if err := wait(context.Background(), stranger.Connect(), dialTime); err == nil {
		stranger.Disconnect(0)
		return errors.New("the MQTT broker lets in who has no password: set allow_anonymous false in its configuration")
	}
	return nil // refused; or it cannot be reached, which the next connection says
}

// Admit makes the plugin's client and role of the grant, or gives the client another password, which cuts who has the old one.
func (m *Mosquitto) Admit(ctx context.Context, g chat.Grant, password string) error {
	l, err := m.connected()
	if err != nil {
		return err
	}
	return asDown(l.admit(ctx, g, password))
}

// Expel removes clients and roles.
func (m *Mosquitto) Expel(ctx context.Context, grants []chat.Grant) error {
	l, err := m.connected()
	if err != nil {
		return err
	}
	ids := make([]string, len(grants))
	for i, g := range grants {
		ids[i] = g.ClientID
	}
	return asDown(l.expel(ctx, ids))
}

// Clients are those of the plugin that are grants.
func (m *Mosquitto) Clients(ctx context.Context) ([]string, error) {
	l, err := m.connected()
	if err != nil {
		return nil, err
	}
	ids, err := l.clients(ctx)
	return ids, asDown(err)
}

// Takes is for every device: those that are away have a queue.
func (m *Mosquitto) Takes(Device) bool { return true }

// Publish waits for the broker's PUBACK.
func (m *Mosquitto) Publish(ctx context.Context, to Device, payload []byte) error {
	l, err := m.connected()
	if err != nil {
		return err
	}
	if err := wait(ctx, l.client.Publish(to.Topic(), 1, false, payload), publishTime); err != nil {
		return asDown(fmt.Errorf("publishing to %s: %w", to.Topic(), err))
	}
	select {
	case <-l.lost: // a token that completes around a loss may be no PUBACK
		return down(l.reason())
	default:
		return nil
	}
}

// Status says why the broker cannot be used.
func (m *Mosquitto) Status() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == nil {
		return m.err
	}
	return nil
}

// Close disconnects. The broker keeps its clients and what it queued.
func (m *Mosquitto) Close() {
	m.cancel()
	m.running.Wait()
}

func asDown(err error) error {
	if err == nil {
		return nil
	}
	return down(err)
}

var errNoAnswer = errors.New("the MQTT broker did not answer in time")

// wait is for what paho does; its own waiting knows no context.
func wait(ctx context.Context, token paho.Token, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errNoAnswer
	}
}
