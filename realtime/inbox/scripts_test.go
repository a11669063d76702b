package inbox

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
	"doran/realtime/inbox/model"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

// The scripts do what the model says, in any order, on both kinds of Redis: the same answers, and the same left behind.
func TestScriptsFollowTheModel(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		checkScripts(t, testenv.Redis(t).URL, false)
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		checkScripts(t, "redis://"+miniredis.RunT(t).Addr(), true)
	})
}

func checkScripts(t *testing.T, url string, embedded bool) {
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	scripts, err := loadScripts(embedded)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, playOn(c, scripts))
}

// FuzzScripts has the fuzzer look for the steps.
func FuzzScripts(f *testing.F) {
	c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(f).Addr()})
	f.Cleanup(func() { _ = c.Close() })
	scripts, err := loadScripts(true)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(rapid.MakeFuzz(playOn(c, scripts)))
}

// playOn takes steps from an empty Redis on.
func playOn(c *redis.Client, scripts map[string]*redis.Script) func(*rapid.T) {
	return func(r *rapid.T) {
		if err := c.FlushAll(context.Background()).Err(); err != nil {
			r.Fatal(err)
		}
		m := &machine{ctx: context.Background(), redis: c, scripts: scripts, keys: model.NewKeyspace(modelUsers, modelChats, modelMessages), ids: map[place]string{}, epoch: 1}
		r.Repeat(rapid.StateMachineActions(m))
	}
}

// The ids that a machine uses: few, so that they meet.
const (
	modelUsers    = 2
	modelChats    = 2
	modelMessages = 2
)

// machine does everything twice: in Redis and in the model. Its exported methods are the steps.
type machine struct {
	ctx     context.Context
	redis   *redis.Client
	scripts map[string]*redis.Script
	keys    *model.Keyspace
	epoch   int64
	births  int64
	cursors []place
	ids     map[place]string // Redis' id of each entry of the model: one call may give two inboxes different ones, across a millisecond
}

// place is where a reader may stand.
type place struct{ user, birth, entry int64 }

var aTime = chat.At(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC))

func (m *machine) call(r *rapid.T, script string, keys []string, args []any) any {
	m.keys.Now++
	reply, err := m.scripts[script].Run(m.ctx, m.redis, keys, args...).Result()
	if err != nil && err != redis.Nil {
		r.Fatalf("%s %v %v: %v", script, keys, args, err)
	}
	return reply
}

func (m *machine) same(r *rapid.T, what string, got, want any) {
	if d := cmp.Diff(want, got); d != "" {
		r.Fatalf("%s (- the model, + the script):\n%s", what, d)
	}
}

// someEpoch is mostly the present one.
func (m *machine) someEpoch(r *rapid.T) int64 {
	return max(1, m.epoch+rapid.SampledFrom([]int64{0, 0, 0, 0, 0, -1, 1}).Draw(r, "epoch"))
}

func user(r *rapid.T) int64    { return rapid.Int64Range(1, modelUsers).Draw(r, "user") }
func aChat(r *rapid.T) int64   { return rapid.Int64Range(1, modelChats).Draw(r, "chat") }
func message(r *rapid.T) int64 { return rapid.Int64Range(1, modelMessages).Draw(r, "message") }

// Append is one call with some events of one chat for some inboxes.
func (m *machine) Append(r *rapid.T) {
	epoch := m.someEpoch(r)
	d := &destination{chat: aChat(r), direct: rapid.Bool().Draw(r, "direct")}
	d.events = m.events(r, d.chat)
	a := attempt{of: d, events: d.events}
	for u := range int64(modelUsers) {
		if rapid.Bool().Draw(r, "to") {
			a.inboxes = append(a.inboxes, addressee{u + 1, stays(r)})
		}
	}
	if len(a.inboxes) == 0 {
		return
	}
	got := m.call(r, "append", a.keys(), a.args(epoch))
	var want []any
	for _, to := range a.inboxes {
		answer, value := m.keys.Append(epoch, d.events, to.user, to.stays, d.direct)
		want = append(want, int64(answer), value)
	}
	m.same(r, fmt.Sprintf("append %v", a.args(epoch)), got, any(want))
}

// events are what the outbox may have: ascending, perhaps with one missing.
func (m *machine) events(r *rapid.T, chatID int64) (out []chat.Event) {
	version := rapid.Int64Range(1, 6).Draw(r, "version")
	types := []chat.EventType{chat.MessageCreated, chat.MessageEdited, chat.MessageRead, chat.MessageRead, chat.MemberAdded, chat.MemberRemoved, chat.ChatUpdated, chat.ChatDeleted}
	for range rapid.IntRange(1, 4).Draw(r, "events") {
		e := chat.Event{ChatID: chatID, Version: version, Type: rapid.SampledFrom(types).Draw(r, "type"), At: aTime,
			MessageID: rapid.Int64Range(0, modelMessages).Draw(r, "message"), Seq: rapid.Int64Range(0, 5).Draw(r, "seq"),
			UserID: user(r), ByID: rapid.Int64Range(0, modelUsers).Draw(r, "by")}
		if e.Type != chat.MessageRead {
			e.OnlyID = rapid.SampledFrom([]int64{0, 0, 0, 1, 2}).Draw(r, "only")
			version += rapid.SampledFrom([]int64{1, 1, 1, 1, 2}).Draw(r, "step")
		}
		out = append(out, e)
	}
	return out
}

func stays(r *rapid.T) (out []chat.Stay) {
	at := int64(0)
	for range rapid.IntRange(1, 3).Draw(r, "stays") {
		joined := at + rapid.Int64Range(1, 4).Draw(r, "joined")
		at = joined + rapid.Int64Range(0, 4).Draw(r, "left")
		out = append(out, chat.Stay{Joined: joined, Left: at})
	}
	if rapid.Bool().Draw(r, "still there") {
		out[len(out)-1].Left = 0
	}
	return out
}

// Bear bears an inbox, or finds it alive.
func (m *machine) Bear(r *rapid.T) {
	epoch, u := m.someEpoch(r), user(r)
	m.births++
	args := []any{epoch, birthName(m.births), inboxTTL.Milliseconds()}
	versions := make([]int64, modelChats+1)
	for c := range versions[1:] {
		if v := rapid.Int64Range(0, 5).Draw(r, "version"); v > 0 {
			versions[c+1] = v
			args = append(args, c+1, v)
		}
	}
	got := m.call(r, "bear", inboxKeys(u), args)
	m.same(r, "bear", got, any(m.keys.Bear(epoch, m.births, u, versions)))
}

func birthName(n int64) string { return fmt.Sprintf("%08x", n) }

// Forsake removes an inbox that stands where it was found.
func (m *machine) Forsake(r *rapid.T) {
	epoch, u, c := m.someEpoch(r), user(r), aChat(r)
	last := m.keys.Inboxes[u].Last[c]
	if rapid.IntRange(0, 3).Draw(r, "moved") == 0 {
		last++
	}
	got := m.call(r, "forsake", inboxKeys(u), []any{epoch, c, last}).(int64)
	m.same(r, "forsake", got > 0, m.keys.Forsake(epoch, u, c, last))
}

// Read reads from a place where a reader may stand, from the oldest, or now.
func (m *machine) Read(r *rapid.T) {
	epoch, u, count := m.someEpoch(r), user(r), 2
	q := &read{mode: rapid.SampledFrom([]mode{fromCursor, fromCursor, fromCursor, fromOldest, fromNow}).Draw(r, "from")}
	at := place{}
	if q.mode == fromCursor {
		if len(m.cursors) == 0 {
			return
		}
		at = rapid.SampledFrom(m.cursors).Draw(r, "cursor")
		u = at.user
		q.from = Cursor{Birth: birthName(at.birth), Entry: m.ids[at]}
	}
	args := q.args(epoch)
	args[3] = count
	reply := m.call(r, "read", inboxKeys(u), args).([]any)
	if q.mode == fromNow {
		count = 1
	}
	want, birth, entries := m.keys.Read(epoch, u, model.From(q.mode), at.birth, at.entry, count)
	m.same(r, "read", word(reply, 0), want)
	if want == "ok" {
		m.same(r, "the birth", word(reply, 1), birthName(birth))
		m.same(r, "what is read", entriesOf(parseEntries(reply)), m.expected(u, birth, entries))
	}
}

// Reserve and Fill are the two halves of filling a body.
func (m *machine) Reserve(r *rapid.T) {
	epoch, id, word := m.someEpoch(r), message(r), filler(r)
	got := m.call(r, "reserve", []string{bodyKey(id)}, []any{epoch, word, fillTTL.Milliseconds()})
	m.same(r, "reserve", got, any(m.keys.Reserve(epoch, id, word)))
}

// Fill is by the one who reserved, or another.
func (m *machine) Fill(r *rapid.T) {
	epoch, id, word := m.someEpoch(r), message(r), filler(r)
	version, deleted := rapid.Int64Range(1, 5).Draw(r, "version"), rapid.IntRange(0, 3).Draw(r, "deleted") == 0
	b := chat.Message{ID: id, ChatID: 1, Seq: 1, Version: version, Content: fmt.Sprint("v", version), CreatedAt: aTime, Deleted: deleted}
	got := m.call(r, "fill", []string{bodyKey(id)}, bodyArgs(epoch, word, b))
	m.same(r, "fill", got, any(m.keys.Fill(epoch, id, word, version, deleted)))
}

// Body reads one.
func (m *machine) Body(r *rapid.T) {
	epoch, id, version := m.someEpoch(r), message(r), rapid.Int64Range(1, 5).Draw(r, "version")
	got, ok := parseBody(id, m.call(r, "body", []string{bodyKey(id)}, []any{epoch, version}))
	want, there := m.keys.Body(epoch, id, version)
	m.same(r, "whether there is a body", ok, there)
	if there {
		m.same(r, "the body", []any{got.Version, got.Deleted, got.Content}, []any{want.Version, want.Deleted, fmt.Sprint("v", want.Version)})
	}
}

func filler(r *rapid.T) string { return rapid.SampledFrom([]string{"a", "b"}).Draw(r, "word") }

// Lose takes away a key, or entries, as an expiry, a trim or an operator does.
func (m *machine) Lose(r *rapid.T) {
	u := user(r)
	b := &m.keys.Inboxes[u]
	switch rapid.IntRange(0, 3).Draw(r, "what") {
	case 0:
		m.redis.Del(m.ctx, streamKey(u))
		b.DeleteStream()
	case 1:
		m.redis.Del(m.ctx, hashKey(u))
		b.DeleteHash()
	case 2:
		n := rapid.IntRange(0, 2).Draw(r, "entries")
		m.redis.XTrimMaxLen(m.ctx, streamKey(u), int64(n))
		b.Trim(n)
	case 3:
		id := message(r)
		m.redis.Del(m.ctx, bodyKey(id))
		m.keys.Bodies[id] = model.Body{}
	}
}

// NextEpoch begins one.
func (m *machine) NextEpoch(r *rapid.T) {
	if m.epoch < 4 && rapid.IntRange(0, 4).Draw(r, "begins") == 0 {
		m.epoch++
	}
}

// Check compares all that stands in Redis with the model, after each step.
func (m *machine) Check(r *rapid.T) {
	for u := int64(1); u <= modelUsers; u++ {
		b := m.keys.Inboxes[u]
		real, err := m.redis.XRange(m.ctx, streamKey(u), "-", "+").Result()
		if err != nil {
			r.Fatal(err)
		}
		if len(real) != len(b.Entries) {
			r.Fatalf("the inbox of %d has %d entries, in the model %d", u, len(real), len(b.Entries))
		}
		for i, e := range b.Entries {
			at := place{u, b.Birth, e.ID}
			if _, seen := m.ids[at]; !seen {
				m.ids[at] = real[i].ID
				m.cursors = append(m.cursors, at)
			}
		}
		m.same(r, "a stream", messagesOf(real), m.expected(u, b.Birth, b.Entries))
		hash := m.redis.HGetAll(m.ctx, hashKey(u)).Val()
		m.same(r, "a hash", hash, expectedHash(b))
		m.expires(r, streamKey(u), b.Stream)
		m.expires(r, hashKey(u), b.Hash)
	}
	for id := int64(1); id <= modelMessages; id++ {
		b := m.keys.Bodies[id]
		h := m.redis.HMGet(m.ctx, bodyKey(id), "version", "filler").Val()
		want := []any{nil, nil}
		if b.Exists {
			want[0] = fmt.Sprint(b.Version)
		}
		if b.Filler != "" {
			want[1] = b.Filler
		}
		m.same(r, "a body", h, want)
		m.expires(r, bodyKey(id), b.Exists || b.Filler != "")
	}
}

func (m *machine) expires(r *rapid.T, key string, exists bool) {
	if ttl := m.redis.PTTL(m.ctx, key).Val(); exists != (ttl > 0) {
		r.Fatalf("%s exists: %v, and expires in %v", key, exists, ttl)
	}
}

func expectedHash(b model.Inbox) map[string]string {
	out := map[string]string{}
	if !b.Hash {
		return out
	}
	out["epoch"], out["birth"] = fmt.Sprint(b.Epoch), birthName(b.Birth)
	for c, v := range b.Last {
		if v > 0 {
			out[fmt.Sprint(c)] = fmt.Sprint(v)
		}
	}
	for i, seq := range b.Read {
		if seq > 0 {
			out[fmt.Sprintf("read:%d:%d", i/(modelUsers+1), i%(modelUsers+1))] = fmt.Sprint(seq)
		}
	}
	return out
}

// expected are entries of the model as their fields in Redis, with "id".
func (m *machine) expected(user, birth int64, entries []model.Entry) []map[string]string {
	out := []map[string]string{}
	for _, e := range entries {
		f := map[string]string{"id": m.ids[place{user, birth, e.ID}]}
		if e.Opened {
			f["type"] = "inbox.opened"
		} else {
			f["type"], f["at"] = string(e.Event.Type), stamp(e.Event.At)
			f["chat"], f["version"] = number(e.Event.ChatID), number(e.Event.Version)
			for name, n := range map[string]int64{"message": e.Event.MessageID, "seq": e.Event.Seq, "user": e.Event.UserID, "by": e.Event.ByID} {
				if n != 0 {
					f[name] = number(n)
				}
			}
		}
		out = append(out, f)
	}
	return out
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func messagesOf(list []redis.XMessage) []map[string]string {
	out := []map[string]string{}
	for _, x := range list {
		f := map[string]string{"id": x.ID}
		for k, v := range x.Values {
			f[k] = fmt.Sprint(v)
		}
		out = append(out, openedOnly(f))
	}
	return out
}

func entriesOf(list []entry) []map[string]string {
	out := []map[string]string{}
	for _, e := range list {
		f := maps.Clone(e.fields)
		f["id"] = e.id
		out = append(out, openedOnly(f))
	}
	return out
}

// openedOnly leaves out the birth and epoch that an opening entry repeats for people who look.
func openedOnly(f map[string]string) map[string]string {
	delete(f, "birth")
	delete(f, "epoch")
	return f
}
