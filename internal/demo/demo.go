// Package demo fills a fresh server with a few people who chat, so that somebody new sees it alive within a minute.
package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"doran/chat"
)

// Guest is the account that is there for whoever tries the server.
type Guest struct {
	Username, Password string
}

// Fragment is what the web client signs in with when it stands behind the # of its address, where no server and no log sees it. The client takes it
// out of the address at once. Both parts are percent-encoded.
func (g Guest) Fragment() string {
	return "demo=" + url.PathEscape(g.Username) + ":" + url.PathEscape(g.Password)
}

// Town is a demo's people and chats.
type Town struct {
	Guest   Guest
	service *chat.Service
	guest   int64
	talks   []*talk
}

// Fill makes the accounts and chats on a server that has none, with something said already.
func Fill(ctx context.Context, s *chat.Service) (*Town, error) {
	t := &Town{service: s, Guest: Guest{Username: "손님", Password: rand.Text()}}
	ids := map[string]int64{}
	for _, name := range []string{t.Guest.Username, "도담", "나래", "Bora", "해솔"} {
		in, err := s.SignUp(ctx, name, t.Guest.Password, "demo")
		if err != nil {
			return nil, fmt.Errorf("making the demo's account %s: %w", name, err)
		}
		ids[name] = in.User.ID
	}
	t.guest = ids[t.Guest.Username]
	for _, who := range ids {
		if who == t.guest {
			continue
		}
		for _, pair := range [][2]int64{{t.guest, who}, {who, t.guest}} {
			if _, _, err := s.AddFriend(ctx, pair[0], pair[1]); err != nil {
				return nil, err
			}
		}
	}
	for _, script := range scripts {
		if err := t.open(ctx, ids, script); err != nil {
			return nil, fmt.Errorf("opening the demo's chat: %w", err)
		}
	}
	return t, nil
}

// open makes a chat and has its first lines said.
func (t *Town) open(ctx context.Context, ids map[string]int64, script script) error {
	k := &talk{town: t, script: script, ids: ids}
	others := []int64{t.guest}
	for _, name := range script.with[1:] {
		others = append(others, ids[name])
	}
	c, _, err := t.service.CreateChat(ctx, ids[script.with[0]], chat.NewChat{Kind: script.kind, Title: script.title, UserIDs: others})
	if err != nil {
		return err
	}
	k.id = c.ID
	t.talks = append(t.talks, k)
	for range script.before {
		if err := k.sayNext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Live has the people chat until ctx ends.
func (t *Town) Live(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, k := range t.talks {
				if k.step(ctx) != nil { // the guest deleted the chat, say: there is nobody left to talk to
					k.over = true
				}
			}
		}
	}
}
