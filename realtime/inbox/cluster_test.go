package inbox_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"doran/internal/testenv"

	"github.com/redis/go-redis/v9"
)

// On a cluster each inbox is in a slot of its own, and everything is as with one Redis: told once, in order, mended after the loss of a master's keys.
func TestCluster(t *testing.T) {
	t.Parallel()
	address := testenv.RedisCluster(t)
	s := newSettingOn(t, testenv.MariaDB(t), address, redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(strings.TrimPrefix(address, "redis://"), ",")}))
	a, b := s.node(), s.node()
	u := s.users(12)
	devices := make([]*device, len(u))
	for i := range devices {
		devices[i] = s.device(u[i], a)
	}
	g := a.group(t, u[0], u[1:]...)
	for i := range 40 {
		[]*node{a, b}[i%2].send(t, u[i%len(u)], g, strconv.Itoa(i))
	}
	for _, d := range devices {
		d.until(func() bool { return len(d.texts()) == 40 }, a, b)
		d.inOrder()
		if d.gaps != 0 {
			t.Errorf("user %d was told of %d gaps", d.user, d.gaps)
		}
	}
	waitOutboxEmpty(t, s)
	must(t, s.look.(*redis.ClusterClient).ForEachMaster(t.Context(), func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() }))
	b.send(t, u[0], g, "after it")
	for _, d := range devices {
		d.until(func() bool { return d.gaps > 0 || slices.Contains(d.texts(), "after it") }, b, a)
		if got := mend(t, a, d.user, g); !slices.Contains(got, "after it") {
			t.Errorf("user %d mends and lacks what was sent after", d.user)
		}
	}
}
