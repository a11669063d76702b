package faults

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
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
