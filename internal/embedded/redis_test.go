package embedded

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func startRedis(t *testing.T) (*Redis, *redis.Client) {
	t.Helper()
	server, err := StartRedis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return server, client
}

func TestRedisForgetsWhatHasExpired(t *testing.T) {
	t.Parallel()
	_, client := startRedis(t)
	ctx := t.Context()
	client.Set(ctx, "stays", "1", time.Hour)
	client.Set(ctx, "goes", "1", 1500*time.Millisecond)
	if n := client.Exists(ctx, "stays", "goes").Val(); n != 2 {
		t.Fatalf("%d of 2 keys are there", n)
	}
	for deadline := time.Now().Add(10 * time.Second); client.Exists(ctx, "goes").Val() != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the key is still there")
		}
	}
	if left := client.TTL(ctx, "stays").Val(); left > time.Hour-time.Second || left < time.Hour-10*time.Second {
		t.Errorf("the other key has %v to live", left)
	}
}

func TestEachRedisHasAnotherName(t *testing.T) {
	t.Parallel()
	first, _ := startRedis(t)
	second, _ := startRedis(t)
	if first.ID == second.ID {
		t.Errorf("both are %s", first.ID)
	}
}

func TestRedisPassesOnWhatIsPublished(t *testing.T) {
	t.Parallel()
	_, client := startRedis(t)
	ctx := t.Context()
	subscription := client.Subscribe(ctx, "news")
	defer func() { _ = subscription.Close() }()
	if _, err := subscription.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	client.Publish(ctx, "news", "hello")
	if m, err := subscription.ReceiveMessage(ctx); err != nil || m.Payload != "hello" {
		t.Errorf("%v, %v", m, err)
	}
}

// The line on the first screen: redis-cli as people have it shows an inbox.
func TestRedisCLI(t *testing.T) {
	t.Parallel()
	server, client := startRedis(t)
	client.XAdd(t.Context(), &redis.XAddArgs{Stream: "inbox:{1}", ID: "1700000000000-0", Values: []string{"type", "message.created"}})
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatal("redis-cli is not installed: run `make deps`, or install redis-tools")
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "redis://"))
	for _, c := range []struct{ args, want string }{
		{"XRANGE inbox:{1} - +", "1700000000000-0\ntype\nmessage.created"},
		{"KEYS *", "inbox:{1}"},
		{"TTL inbox:{1}", "-1"},
		{"TYPE inbox:{1}", "stream"},
		{"XLEN inbox:{1}", "1"},
		{"--scan", "inbox:{1}"},
	} {
		out, err := exec.Command(cli, append([]string{"-p", port}, strings.Fields(c.args)...)...).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("redis-cli %s: %q, want %q (%v)", c.args, got, c.want, err)
		}
	}
}

func TestRedisNamesTheAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	server, _ := startRedis(t)
	addr := strings.TrimPrefix(server.URL, "redis://")
	second, err := StartRedis(addr)
	if err == nil {
		second.Close()
		t.Fatal("two servers on one address")
	}
	if !strings.Contains(err.Error(), addr) {
		t.Errorf("%v", err)
	}
}
