package inbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"doran/chat"
	"doran/internal/failpoint"
)

// render turns entries into what their readers may be shown, for a whole group with a fixed number of questions: bodies first, then
// who may. In that order: a body that is read after the question could be of a message that is no longer theirs.
func (in *Inbox) render(ctx context.Context, group []*read) error {
	failpoint.Here(failpoint.BeforeRender)
	told := in.understand(group)
	epoch := int64(0)
	for _, q := range group {
		epoch = max(epoch, q.from.Epoch)
	}
	found, err := in.loadBodies(ctx, epoch, wantedBodies(told))
	if err != nil {
		return err
	}
	people, infos, err := in.lookUp(ctx, told)
	if err != nil {
		return err
	}
	stays, err := in.lastStays(ctx, told)
	if err != nil {
		return err
	}
	i := 0
	for _, q := range group {
		first := i
		for i < len(told) && told[i].of == q {
			i++
		}
		q.finish(told[first:i], func(t telling) (Event, bool) {
			if !mayShow(t, stays[pair{t.user, t.event.ChatID}]) {
				in.metrics.passedOver.Inc()
				return Event{}, false
			}
			return t.show(found, people, infos)
		})
		if q.gap {
			in.metrics.gaps.Inc()
		}
	}
	return nil
}

// telling is one entry as it is understood, for one reader.
type telling struct {
	of    *read
	user  int64
	entry string
	event chat.Event
}

// understand reads the entries of a group. One that makes no sense is passed over, counted and logged: it never blocks an inbox.
func (in *Inbox) understand(group []*read) (out []telling) {
	for _, q := range group {
		if q.mode == fromNow {
			continue
		}
		for _, e := range q.entries {
			if e.fields["type"] == "inbox.opened" {
				continue
			}
			event, err := parseEvent(e.fields)
			if err != nil {
				in.metrics.unreadable.Inc()
				in.Log.Error("an inbox has an entry that makes no sense; it is passed over", "user", q.user, "entry", e.id, "err", err)
				continue
			}
			out = append(out, telling{q, q.user, e.id, event})
		}
	}
	return out
}

func parseEvent(f map[string]string) (chat.Event, error) {
	var err error
	number := func(name string, required bool) int64 {
		if f[name] == "" && !required {
			return 0
		}
		n, e := strconv.ParseInt(f[name], 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("%s is %q, no number", name, f[name])
		}
		return n
	}
	at, e := time.Parse(time.RFC3339Nano, f["at"])
	if e != nil {
		err = fmt.Errorf("at is %q, no time", f["at"])
	}
	event := chat.Event{Type: chat.EventType(f["type"]), ChatID: number("chat", true), Version: number("version", true),
		MessageID: number("message", false), Seq: number("seq", false), UserID: number("user", false), ByID: number("by", false), At: chat.At(at)}
	return event, err
}

// finish makes the batch. The cursor goes on over everything that was read, shown or not.
func (q *read) finish(told []telling, show func(telling) (Event, bool)) {
	q.batch = Batch{After: q.after, Gap: q.gap, Events: []Event{}}
	cursor := q.from
	if n := len(q.entries); n > 0 {
		cursor.Entry = q.entries[n-1].id
	}
	q.batch.Cursor = cursor.String()
	if q.gap {
		q.batch.After = ""
		return
	}
	if q.after == "" {
		q.batch.After = q.batch.Cursor
	}
	q.more = q.mode != fromNow && len(q.entries) == MaxEvents
	for _, t := range told {
		if e, ok := show(t); ok {
			cursor.Entry = t.entry
			e.ID = cursor.String()
			q.batch.Events = append(q.batch.Events, e)
		}
	}
}

// mayShow says whether the user may be told, as of now, given their newest stay in the chat: what lies in a stay that lasts, and of the
// messages only those from after it began; of a stay that has ended nothing but its end.
func mayShow(t telling, s chat.Stay) bool {
	e := t.event
	switch {
	case failpoint.Defective(failpoint.NoAuthorisation):
		return true
	case s.Joined == 0 || e.Version < s.Joined: // never there, or told of an earlier stay
		return false
	case s.Left != 0:
		return e.Version == s.Left && (e.Type == chat.ChatDeleted || e.Type == chat.MemberRemoved && e.UserID == t.user)
	default:
		return !tellsOfMessage(e.Type) || e.Seq > s.JoinedSeq
	}
}

// show is the event with its data as things are now; false where what it tells of is not there.
func (t telling) show(found bodies, people map[int64]chat.User, infos map[int64]chat.Info) (Event, bool) {
	e := t.event
	out := Event{Type: e.Type, ChatID: e.ChatID, Version: e.Version, At: e.At}
	ok := true
	switch e.Type {
	case chat.MessageCreated, chat.MessageEdited, chat.MessageDeleted:
		var m chat.Message
		m, ok = found[e.MessageID]
		ok = ok && m.ChatID == e.ChatID
		out.Data = m.For(t.user)
	case chat.MessageRead:
		out.Data = chat.ReadData{UserID: e.UserID, LastMessageID: e.MessageID, Seq: e.Seq}
	case chat.MemberAdded, chat.MemberRemoved:
		out.Data = MemberData{User: people[e.UserID], By: people[e.ByID]}
	case chat.ChatCreated, chat.ChatUpdated, chat.ChatDeleted:
		out.Data, ok = infos[e.ChatID]
	default:
		ok = false
	}
	return out, ok
}

func wantedBodies(told []telling) wanted {
	want := wanted{}
	for _, t := range told {
		if tellsOfMessage(t.event.Type) {
			want[t.event.MessageID] = max(want[t.event.MessageID], t.event.Version)
		}
	}
	return want
}

// lookUp reads the users and chats that are told of.
func (in *Inbox) lookUp(ctx context.Context, told []telling) (map[int64]chat.User, map[int64]chat.Info, error) {
	users, chats := set{}, set{}
	for _, t := range told {
		switch t.event.Type {
		case chat.MemberAdded, chat.MemberRemoved:
			users.add(t.event.UserID, t.event.ByID)
		case chat.ChatCreated, chat.ChatUpdated, chat.ChatDeleted:
			chats.add(t.event.ChatID)
		}
	}
	people, infos := map[int64]chat.User{}, map[int64]chat.Info{}
	if len(users) > 0 {
		list, err := in.Service.Users(ctx, users.sorted())
		if err != nil {
			return nil, nil, err
		}
		for _, u := range list {
			people[u.ID] = u
		}
	}
	if len(chats) > 0 {
		list, err := in.Service.Infos(ctx, chats.sorted())
		if err != nil {
			return nil, nil, err
		}
		for _, c := range list {
			infos[c.ID] = c
		}
	}
	return people, infos, nil
}

// pair is a user in a chat.
type pair struct{ user, chat int64 }

func (in *Inbox) lastStays(ctx context.Context, told []telling) (map[pair]chat.Stay, error) {
	users, chats := set{}, set{}
	for _, t := range told {
		users.add(t.user)
		chats.add(t.event.ChatID)
	}
	out := map[pair]chat.Stay{}
	if len(users) == 0 {
		return out, nil
	}
	list, err := in.Service.LastStays(ctx, users.sorted(), chats.sorted())
	for _, s := range list {
		out[pair{s.UserID, s.ChatID}] = s
	}
	return out, err
}

// set is some ids.
type set map[int64]struct{}

func (s set) add(ids ...int64) {
	for _, id := range ids {
		s[id] = struct{}{}
	}
}

func (s set) sorted() []int64 {
	out := make([]int64, 0, len(s))
	for id := range s {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}
