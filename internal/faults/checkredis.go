package faults

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// checkInboxes: every inbox that is there is the newest part of what the database says.
func (w *town) checkInboxes(r *records) {
	ctx := context.Background()
	for _, p := range w.people {
		stream := fmt.Sprintf("inbox:{%d}", p.id)
		hash := w.look.HGetAll(ctx, stream+":chats").Val()
		if len(hash) == 0 {
			continue
		}
		for chatID, version := range r.versions {
			stays := r.stays[[2]int64{chatID, p.id}]
			if len(stays) == 0 || stays[len(stays)-1].left != 0 {
				continue
			}
			if has, _ := strconv.ParseInt(hash[fmt.Sprint(chatID)], 10, 64); has != version {
				w.history.violation("lost", nil, "the inbox of %s has chat %d up to v%d, the database v%d", p.name, chatID, has, version)
			}
		}
		last := map[string]int64{}
		for _, e := range w.look.XRange(ctx, stream, "-", "+").Val() {
			chatID, _ := e.Values["chat"].(string)
			version, _ := strconv.ParseInt(fmt.Sprint(e.Values["version"]), 10, 64)
			kind := fmt.Sprint(e.Values["type"])
			if kind == "inbox.opened" || kind == "message.read" {
				continue
			}
			if version <= last[chatID] {
				w.history.violation("order", nil, "the inbox of %s has v%d of chat %s behind v%d", p.name, version, chatID, last[chatID])
			}
			last[chatID] = version
			if id, _ := strconv.ParseInt(fmt.Sprint(e.Values["message"]), 10, 64); strings.HasPrefix(kind, "message.") {
				if m, there := r.messages[id]; !there || fmt.Sprint(m.chatID) != chatID || m.version < version {
					w.history.violation("phantom", nil, "the inbox of %s tells %v, the database has %+v", p.name, e.Values, m)
				}
			}
		}
	}
}

// checkBodies: what Redis keeps of a message is not newer than the database, and no text of one that was deleted.
func (w *town) checkBodies(r *records) {
	ctx := context.Background()
	for key := range w.keys("message:{*}") {
		id, _ := strconv.ParseInt(strings.Trim(key, "mesag:{}"), 10, 64)
		body := w.look.HGetAll(ctx, key).Val()
		m, there := r.messages[id]
		version, _ := strconv.ParseInt(body["version"], 10, 64)
		switch {
		case version == 0: // somebody is about to fill it
		case !there || version > m.version:
			w.history.violation("phantom", nil, "Redis has %s at v%d, the database %+v", key, version, m)
		case m.deleted && body["content"] != tombstone:
			w.history.violation("deleted", nil, "Redis keeps the text of message %d, which is deleted: v%d in epoch %s", id, version, body["epoch"])
		}
	}
}

// checkDeletedBody: Redis has no text of a message once its deletion, of this version, has left the outbox, whoever was about to write one.
func (w *town) checkDeletedBody(id, version int64) {
	left := 0
	if waitFor(2*time.Second, "the deletion was published", func() bool {
		return w.db.QueryRow("SELECT COUNT(*) FROM outbox o JOIN messages m ON m.chat_id = o.chat_id WHERE m.id = ? AND o.version <= ?", id, version).Scan(&left) == nil && left == 0
	}) != nil {
		return // something else is broken just now
	}
	if text := w.look.HGet(context.Background(), fmt.Sprintf("message:{%d}", id), "content").Val(); text != "" && text != tombstone {
		w.history.violation("deleted", nil, "Redis has the text of message %d, whose deletion of v%d was published", id, version)
	}
}

// keys are those of Redis with this pattern.
func (w *town) keys(pattern string) iter.Seq[string] {
	return func(yield func(string) bool) {
		ctx := context.Background()
		for all := w.look.Scan(ctx, 0, pattern, 1000).Iterator(); all.Next(ctx); {
			if !yield(all.Val()) {
				return
			}
		}
	}
}
