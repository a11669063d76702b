package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/testenv"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// world is a database with a service, and a log that tests look into.
type world struct {
	t       testing.TB
	service *chat.Service
	log     *testenv.Output
	people  int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := database.Open(t.Context(), testenv.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: &testenv.Output{}}
	w.service = chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Limits: chat.DefaultLimits(), Log: logger(w.log)})
	t.Cleanup(w.service.Close)
	return w
}

// session is a new user with one token.
func (w *world) session() chat.Session {
	w.t.Helper()
	w.people++
	in, err := w.service.SignUp(context.Background(), fmt.Sprintf("person%d", w.people), "dorandoran", "phone")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.prove(in.Token)
}

func (w *world) prove(token string) chat.Session {
	w.t.Helper()
	who, err := w.service.Authenticate(context.Background(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	return who
}

// logger writes everything there, debugging included.
func logger(o *testenv.Output) *slog.Logger {
	return slog.New(slog.NewTextHandler(o, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// site is one broker under test, and how a test can take it away.
type site struct {
	Broker
	addr, ws string
	kill     func()
	restart  func()
}

// brokers runs a test against each broker.
func brokers(t *testing.T, test func(t *testing.T, w *world, open func(Events) *site)) {
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		test(t, w, w.embedded)
	})
	t.Run("mosquitto", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		test(t, w, func(e Events) *site { return w.mosquitto(testenv.Mosquitto(t), e) })
	})
}

func (w *world) embedded(events Events) *site {
	w.t.Helper()
	addr := "127.0.0.1:0"
	current := &restartable{}
	s := &site{Broker: current}
	s.restart = func() {
		w.t.Helper()
		e, err := OpenEmbedded(EmbeddedConfig{Addr: addr, Grants: w.service.GrantsOfClients, Events: events, Log: logger(w.log)})
		if err != nil {
			w.t.Fatal(err)
		}
		current.Store(e)
		addr = e.Addr()
	}
	s.restart()
	s.addr, s.ws, s.kill = addr, "ws://"+addr+"/mqtt", current.Close
	w.t.Cleanup(current.Close)
	return s
}

// restartable is an embedded broker that may be another one later.
type restartable struct{ atomic.Pointer[Embedded] }

func (r *restartable) Admit(ctx context.Context, g chat.Grant, password string) error {
	return r.Load().Admit(ctx, g, password)
}
func (r *restartable) Expel(ctx context.Context, g []chat.Grant) error { return r.Load().Expel(ctx, g) }
func (r *restartable) Publish(ctx context.Context, to Device, payload []byte) error {
	return r.Load().Publish(ctx, to, payload)
}
func (r *restartable) Takes(to Device) bool                          { return r.Load().Takes(to) }
func (r *restartable) Clients(ctx context.Context) ([]string, error) { return r.Load().Clients(ctx) }
func (r *restartable) Status() error                                 { return r.Load().Status() }
func (r *restartable) Close()                                        { r.Load().Close() }

func (w *world) mosquitto(server *testenv.MosquittoServer, events Events) *site {
	w.t.Helper()
	m, err := OpenMosquitto(MosquittoConfig{URL: server.URL, Events: events, Log: logger(w.log)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(m.Close)
	u, _ := url.Parse(server.URL)
	eventually(w.t, "the broker can be used", m.Status)
	return &site{Broker: m, addr: u.Host, ws: server.WSURL, kill: server.Kill, restart: server.Restart}
}

// pass is what a device knows of its grant.
type pass struct {
	chat.Grant
	password string
}

// admit makes a grant for the session and lets it in.
func (w *world) admit(b Broker, who chat.Session) pass {
	w.t.Helper()
	g, password, err := w.service.MakeGrant(context.Background(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := b.Admit(context.Background(), g, password); err != nil {
		w.t.Fatal(err)
	}
	return pass{g, password}
}

// phone is a device: what it heard, in order.
type phone struct {
	paho.Client
	heard chan paho.Message
	lost  chan struct{}
}

// options are those of a device that does as it is told.
func (p pass) options(addr string) *paho.ClientOptions {
	return paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(p.ClientID).SetUsername(p.ClientID).SetPassword(p.password).
		SetCleanSession(false).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second).SetProtocolVersion(4).SetOrderMatters(true)
}

// dial connects, and leaves subscribing to the caller.
func dial(options *paho.ClientOptions) (*phone, error) {
	p := &phone{heard: make(chan paho.Message, 100_000), lost: make(chan struct{})}
	options.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { p.heard <- m })
	options.SetConnectionLostHandler(func(paho.Client, error) { close(p.lost) })
	p.Client = paho.NewClient(options)
	err := done(p.Connect())
	if err == nil && !p.IsConnected() { // refused with a code that paho has no error for
		err = errRefused
	}
	return p, err
}

// listen is a device that is connected and subscribed to its own topic.
func (p pass) listen(t testing.TB, addr string) *phone {
	t.Helper()
	ph, err := dial(p.options(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ph.Disconnect(0) })
	if err := ph.subscribe(deviceOf(p.Grant).Topic()); err != nil {
		t.Fatal(err)
	}
	return ph
}

var errRefused = errors.New("refused")

func (p *phone) subscribe(filter string) error {
	token := p.Subscribe(filter, 1, nil)
	if err := done(token); err != nil {
		return err
	}
	for _, code := range token.(*paho.SubscribeToken).Result() { // under the name that is left of a $share filter
		if code <= 2 {
			return nil
		}
	}
	return errRefused
}

func done(token paho.Token) error {
	if !token.WaitTimeout(15 * time.Second) {
		return errors.New("no answer in 15 s")
	}
	return token.Error()
}

// next is the next thing that the device hears.
func (p *phone) next(t testing.TB) string {
	t.Helper()
	select {
	case m := <-p.heard:
		return string(m.Payload())
	case <-time.After(20 * time.Second):
		t.Fatal("the device hears nothing")
		return ""
	}
}

// cut fails unless the connection ends.
func (p *phone) cut(t testing.TB) {
	t.Helper()
	select {
	case <-p.lost:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection was not cut")
	}
}

// send publishes as a forwarder does: until it is taken.
func send(t testing.TB, b Broker, d Device, payload string) {
	t.Helper()
	eventually(t, "the payload is taken", func() error { return b.Publish(context.Background(), d, []byte(payload)) })
}

// eventually tries until there is no error.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// raw speaks MQTT byte by byte.
func raw(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}
