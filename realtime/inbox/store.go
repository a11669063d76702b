package inbox

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"doran/chat"
	"doran/internal/failpoint"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// store is the connection to Redis and the scripts.
type store struct {
	in      *Inbox
	options *redis.UniversalOptions
	cluster bool
	scripts map[string]*redis.Script

	mu      sync.Mutex
	current redis.UniversalClient
}

// poolSize bounds a node's connections to each Redis: publishers, readers and what else shares them, with room to spare.
const poolSize = 16

func openStore(in *Inbox) (*store, error) {
	s := &store{in: in}
	var err error
	if s.options, s.cluster, err = parseRedis(in.Redis); err != nil {
		return nil, err
	}
	s.options.OnConnect = in.epoch.onConnect
	if s.scripts, err = loadScripts(in.Embedded != ""); err != nil {
		return nil, err
	}
	s.current = s.connect()
	return s, nil
}

func loadScripts(embedded bool) (map[string]*redis.Script, error) {
	scripts := map[string]*redis.Script{}
	for _, name := range []string{"append", "read", "bear", "forsake", "body", "reserve", "fill"} {
		b, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			return nil, err
		}
		src := string(b)
		if embedded { // miniredis has no script flags, and no replicas to refuse anything
			_, src, _ = strings.Cut(src, "\n")
		}
		if failpoint.Defective(failpoint.AppendTwice) && name == "append" {
			src = strings.Replace(src, "version == expected", "version <= (expected or version)", 1)
		}
		if failpoint.Defective(failpoint.BlindFill) && name == "fill" {
			src = strings.Replace(src, "if b[3] ~= ARGV[2]", "if false", 1)
			src = strings.Replace(src, "if of == epoch and", "if false and", 1)
		}
		scripts[name] = redis.NewScript(src)
	}
	return scripts, nil
}

// parseRedis reads redis://, rediss:// and the comma-separated hosts of a cluster.
func parseRedis(address string) (*redis.UniversalOptions, bool, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, false, errors.New("the Redis address is no URL; write redis://host:6379")
	}
	hosts := strings.Split(u.Host, ",")
	u.Host = hosts[0]
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, false, fmt.Errorf("the Redis address cannot be read: %w", err)
	}
	return &redis.UniversalOptions{
		Addrs: hosts, Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true, PoolSize: poolSize, MaxRetries: 1, DialerRetries: 1,
		DialTimeout: time.Second, ReadTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second, PoolTimeout: 2 * time.Second,
	}, len(hosts) > 1, nil
}

func (s *store) connect() redis.UniversalClient {
	if s.cluster {
		return redis.NewClusterClient(s.options.Cluster())
	}
	return redis.NewClient(s.options.Simple())
}

func (s *store) client() redis.UniversalClient {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// redial leaves every connection behind: they lead to a Redis that is no longer the one of the epoch.
func (s *store) redial() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Close()
	s.current = s.connect()
}

func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Close()
}

// call is one script call of a pipeline.
type call struct {
	script string
	keys   []string
	args   []any
	reply  any
}

// run sends the calls in one pipeline, in order for each key, and fills in the replies. A script that Redis has forgotten, and what was
// under way while the node connected again, is sent again. The first error ends it: every script may be repeated.
//
// A reply is used only while the node is still in the epoch of the calls: they may have travelled over a connection that was made for
// them, to a Redis restored from a snapshot, which has all that the epoch before had deleted since.
func (s *store) run(ctx context.Context, epoch int64, calls []*call) error {
	if len(calls) == 0 {
		return nil
	}
	client := s.client()
	err := s.pipeline(ctx, client, calls)
	if now := s.client(); err != nil && now != client {
		client, err = now, s.pipeline(ctx, now, calls)
	}
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err = s.load(ctx, client, calls); err == nil {
			err = s.pipeline(ctx, client, calls)
		}
	}
	if err != nil {
		return unavailable(err)
	}
	if !s.in.epoch.is(epoch) {
		return errStale
	}
	return nil
}

func (s *store) pipeline(ctx context.Context, client redis.UniversalClient, calls []*call) error {
	pipe := client.Pipeline()
	cmds := make([]*redis.Cmd, len(calls))
	for i, c := range calls {
		cmds[i] = pipe.EvalSha(ctx, s.scripts[c.script].Hash(), c.keys, c.args...)
	}
	pipe.Exec(ctx)
	for i, cmd := range cmds {
		var err error
		if calls[i].reply, err = cmd.Result(); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) load(ctx context.Context, client redis.UniversalClient, calls []*call) error {
	loaded := map[string]bool{}
	for _, c := range calls {
		if loaded[c.script] {
			continue
		}
		loaded[c.script] = true
		if err := s.scripts[c.script].Load(ctx, client).Err(); err != nil { // on a cluster: every master
			return err
		}
	}
	return nil
}

// unavailable says that Redis is not there now; nothing is lost by it.
func unavailable(err error) error {
	return &chat.Error{Code: chat.CodeUnavailable, Detail: "Redis, where the inboxes stand, does not answer; try again", Err: err}
}

// errStale is a call that Redis refused because a later epoch has begun.
var errStale = &chat.Error{Code: chat.CodeUnavailable, Detail: "the inboxes are moving to another Redis; try again"}
