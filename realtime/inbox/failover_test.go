package inbox_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
	"doran/realtime/inbox"

	"github.com/redis/go-redis/v9"
)

// A read that was on its way when Redis came back from a backup travels over a connection that is made for it: what that Redis
// answers is of a time before the deletion.
func TestReadOnItsWayThroughARestore(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, testenv.MariaDB(t), server.URL, "")
	n := s.start(&node{}, time.Hour) // no sweep: the read is the first to meet the restored Redis
	u := s.users(2)
	g := n.group(t, u[0], u[1])
	d := s.device(u[1], n)
	m := n.send(t, u[0], g, "secret word")
	d.until(d.saw(chat.MessageCreated), n)
	time.Sleep(1100 * time.Millisecond) // appendfsync everysec: the backup is of files
	restore := server.Backup()
	must(t, second(n.DeleteMessage(t.Context(), u[0], g, m.ID)))
	d.until(d.saw(chat.MessageDeleted), n)
	restore()
	b, _, err := n.Read(t.Context(), u[1], "0")
	must(t, err)
	if strings.Contains(fmt.Sprint(b), "secret") {
		t.Errorf("it shows the deleted text: %+v", b)
	}
	if at, err := inbox.ParseCursor(u[1], b.Cursor); err != nil || at.Epoch != 2 {
		t.Errorf("it was answered in epoch %d (%v), want 2, which this very connection began", at.Epoch, err)
	}
}

// Who begins an epoch may end before the bodies of the one before are cleared away: every node does it.
func TestBodiesOfOlderEpochsGo(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, testenv.SQLite(t), server.URL, "")
	u := s.users(2)
	n := s.node()
	s.device(u[0], n) // the first epoch
	server.Kill()
	server.Restart()
	(&device{t: t, user: u[0], cursor: "0"}).untilAnswered(n) // the second
	for i := range 2500 {
		must(t, s.look.HSet(t.Context(), fmt.Sprintf("message:{%d}", 1000+i), "epoch", 1, "version", 1, "content", "secret word").Err())
	}
	must(t, s.look.HSet(t.Context(), "message:{1}", "epoch", 2, "version", 1, "content", "of now").Err())
	s.device(u[1], s.node())
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := s.look.Keys(t.Context(), "message:{*}").Val()
		if len(left) == 1 && left[0] == "message:{1}" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bodies are left, %v …", len(left), left[:min(3, len(left))])
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A master that was replaced and does not know it takes appends as before. A node that has met its successor has no connection to it
// any more.
func TestNodeLeavesAReplacedMaster(t *testing.T) {
	t.Parallel()
	before, after := testenv.Redis(t), testenv.Redis(t)
	first, second := lookAt(t, before.URL), lookAt(t, after.URL)
	address := newAddress(t, before.Port)
	s := newSetting(t, testenv.SQLite(t), "redis://"+address.String(), "")
	n := s.node()
	u := s.users(1)
	readAtOnce(t, n, u[0], 20)
	if n := connections(t, first); n < 2 {
		t.Fatalf("the node has %d connections to the first Redis, which is too few for this test", n)
	}
	address.leadTo(after.Port)
	cutAllButOne(t, first)
	deadline := time.Now().Add(20 * time.Second)
	for connections(t, second) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the node never connected to the second Redis")
		}
		readAtOnce(t, n, u[0], 100)
	}
	for connections(t, first) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("the node keeps %d connections to the Redis that was replaced", connections(t, first))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func readAtOnce(t *testing.T, n *node, user int64, times int) {
	var all sync.WaitGroup
	for range times {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, _, _ = n.Read(ctx, user, "") // unavailable for a moment while the node moves
		})
	}
	all.Wait()
}

// connections counts a server's clients but the one that asks.
func connections(t *testing.T, c *redis.Client) int {
	t.Helper()
	return strings.Count(clientList(t, c), "\n") - 1
}

// cutAllButOne ends the older connections and leaves the newest; the one that asks is not among them.
func cutAllButOne(t *testing.T, c *redis.Client) {
	t.Helper()
	own, err := c.ClientID(t.Context()).Result()
	must(t, err)
	var others []string
	for line := range strings.Lines(clientList(t, c)) {
		id, _, _ := strings.Cut(strings.TrimPrefix(line, "id="), " ")
		if id != fmt.Sprint(own) {
			others = append(others, id)
		}
	}
	for _, id := range others[:len(others)-1] {
		must(t, c.ClientKillByFilter(t.Context(), "ID", id).Err())
	}
}

func clientList(t *testing.T, c *redis.Client) string {
	t.Helper()
	list, err := c.ClientList(t.Context()).Result()
	must(t, err)
	return list
}

func lookAt(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	must(t, err)
	options.PoolSize = 1
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// address is a TCP address that leads to one server and later to another, as a name does; connections stay where they are.
type address struct {
	net.Listener
	mu   sync.Mutex
	port int
}

func newAddress(t *testing.T, port int) *address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	a := &address{Listener: l, port: port}
	t.Cleanup(func() { _ = l.Close() })
	go a.serve()
	return a
}

func (a *address) String() string { return a.Addr().String() }

func (a *address) leadTo(port int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.port = port
}

func (a *address) serve() {
	for {
		in, err := a.Accept()
		if err != nil {
			return
		}
		a.mu.Lock()
		out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", a.port))
		a.mu.Unlock()
		if err != nil {
			_ = in.Close()
			continue
		}
		go join(in, out)
		go join(out, in)
	}
}

func join(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}
