package inbox

import (
	"context"
	"strconv"
	"time"

	"doran/chat"
	"doran/internal/failpoint"

	"github.com/redis/go-redis/v9"
)

// bodies are messages by id.
type bodies map[int64]chat.Message

// wanted is a message, and the version that it must have at least: that of the entry which tells of it.
type wanted map[int64]int64

// loadBodies gives the messages as they are now: from Redis, or, where a body is missing, of another epoch or older than its
// entry, from the database, filling it for the next reader.
func (in *Inbox) loadBodies(ctx context.Context, epoch int64, want wanted) (bodies, error) {
	calls := make([]*call, 0, len(want))
	ids := make([]int64, 0, len(want))
	for id, version := range want {
		ids = append(ids, id)
		calls = append(calls, &call{script: "body", keys: []string{bodyKey(id)}, args: []any{epoch, version}})
	}
	if err := in.redis.run(ctx, epoch, calls); err != nil {
		return nil, err
	}
	found := make(bodies, len(want))
	var missing []int64
	for i, c := range calls {
		if m, ok := parseBody(ids[i], c.reply); ok {
			found[ids[i]] = m
		} else {
			missing = append(missing, ids[i])
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	filled, err := in.fillBodies(ctx, epoch, missing)
	for id, m := range filled {
		found[id] = m
	}
	return found, err
}

// fillBodies reads messages from the database and writes them to Redis. The word goes there first: who reads a text, is
// overtaken by its deletion and then writes, finds the word gone.
func (in *Inbox) fillBodies(ctx context.Context, epoch int64, ids []int64) (bodies, error) {
	word := random(8)
	calls := make([]*call, len(ids))
	for i, id := range ids {
		calls[i] = &call{script: "reserve", keys: []string{bodyKey(id)}, args: []any{epoch, word, fillTTL.Milliseconds()}}
	}
	if err := in.redis.runCurrent(ctx, epoch, calls); err != nil {
		return nil, err
	}
	messages, err := in.Service.Bodies(ctx, ids)
	if err != nil {
		return nil, err
	}
	failpoint.Here(failpoint.BeforeFill)
	calls = calls[:0]
	found := make(bodies, len(messages))
	for _, m := range messages {
		found[m.ID] = m
		if m.Deleted && failpoint.Defective(failpoint.ForgetTombstone) {
			continue
		}
		calls = append(calls, &call{script: "fill", keys: []string{bodyKey(m.ID)}, args: bodyArgs(epoch, word, m)})
	}
	return found, in.redis.runCurrent(ctx, epoch, calls)
}

// runCurrent is run for scripts that may answer "stale".
func (s *store) runCurrent(ctx context.Context, epoch int64, calls []*call) error {
	if err := s.run(ctx, epoch, calls); err != nil {
		return err
	}
	for _, c := range calls {
		if c.reply == "stale" {
			return errStale
		}
	}
	return nil
}

func bodyArgs(epoch int64, word string, m chat.Message) []any {
	deleted := "0"
	if m.Deleted {
		deleted = "1"
	}
	args := []any{epoch, word, bodyTTL.Milliseconds(), deleted, m.Version,
		"chat", m.ChatID, "seq", m.Seq, "sender", m.SenderID, "content", m.Content, "created_at", stamp(m.CreatedAt)}
	if m.ClientID != nil {
		args = append(args, "client_id", *m.ClientID)
	}
	if m.EditedAt != nil {
		args = append(args, "edited_at", stamp(*m.EditedAt))
	}
	return args
}

// parseBody reads what body.lua gives; false when there is none.
func parseBody(id int64, reply any) (chat.Message, bool) {
	f, _ := reply.([]any)
	if len(f) != 9 {
		return chat.Message{}, false
	}
	text := func(i int) string { s, _ := f[i].(string); return s }
	var ok = true
	number := func(i int) int64 {
		n, err := strconv.ParseInt(text(i), 10, 64)
		ok = ok && err == nil
		return n
	}
	at := func(i int) chat.Time {
		t, err := time.Parse(time.RFC3339Nano, text(i))
		ok = ok && err == nil
		return chat.At(t)
	}
	m := chat.Message{ID: id, ChatID: number(0), Seq: number(1), Version: number(2), SenderID: number(3), Content: text(4),
		CreatedAt: at(6), Deleted: text(8) == "1"}
	if s, is := f[5].(string); is {
		m.ClientID = &s
	}
	if f[7] != nil {
		t := at(7)
		m.EditedAt = &t
	}
	return m, ok
}

// stamp is how a time stands in Redis: as on the wire.
func stamp(t chat.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// unlinkBodies removes what stands of older epochs. The bodies of this one stay; one of another is never read in any case.
func (in *Inbox) unlinkBodies(ctx context.Context) error {
	number, err := in.epoch.now(ctx)
	if err != nil {
		return err
	}
	return in.eachMaster(ctx, func(ctx context.Context, c redis.UniversalClient) error { return unlinkOlder(ctx, c, number) })
}

func (in *Inbox) eachMaster(ctx context.Context, do func(context.Context, redis.UniversalClient) error) error {
	if cluster, ok := in.Client().(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return do(ctx, c) })
	}
	return do(ctx, in.Client())
}

// unlinkOlder goes through the keys page by page. A body that is filled anew between the look and the removal is read from the database
// the next time.
func unlinkOlder(ctx context.Context, c redis.UniversalClient, epoch int64) error {
	for cursor := uint64(0); ; {
		keys, next, err := c.Scan(ctx, cursor, "message:{*}", 1000).Result()
		if err != nil {
			return err
		}
		epochs := make([]*redis.StringCmd, len(keys))
		if _, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, key := range keys {
				epochs[i] = pipe.HGet(ctx, key, "epoch")
			}
			return nil
		}); err != nil && err != redis.Nil {
			return err
		}
		_, err = c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, key := range keys {
				if of, _ := epochs[i].Int64(); of < epoch {
					pipe.Unlink(ctx, key)
				}
			}
			return nil
		})
		if err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}
