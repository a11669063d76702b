package chat_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
)

func TestPagesOfMessages(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		g, other := s.group(t, u[0]), s.group(t, u[0])
		s.send(t, u[0], g, "0") // before bob came
		must(t, third(s.AddMember(t.Context(), u[0], g, u[1])))
		ids := []int64{0}
		foreign := []int64{0}
		for i := 1; i <= 6; i++ {
			ids = append(ids, s.send(t, u[0], g, fmt.Sprint(i)).ID)
			foreign = append(foreign, s.send(t, u[0], other, "x").ID)
		}
		for _, c := range []struct {
			name string
			page chat.Page
			more bool
			want []string
		}{
			{"the newest", chat.Page{Limit: 3}, true, []string{"4", "5", "6"}},
			{"all", chat.Page{Limit: 6}, false, []string{"1", "2", "3", "4", "5", "6"}},
			{"before", chat.Page{Limit: 2, Before: ids[4]}, true, []string{"2", "3"}},
			{"before, to the first", chat.Page{Limit: 3, Before: ids[4]}, false, []string{"1", "2", "3"}},
			{"before the first", chat.Page{Limit: 3, Before: ids[1]}, false, []string{}},
			{"before one that is not to be seen", chat.Page{Limit: 3, Before: 1}, false, []string{}},
			{"before an id of another chat", chat.Page{Limit: 2, Before: foreign[3]}, true, []string{"2", "3"}},
			{"before an id that is not there yet", chat.Page{Limit: 2, Before: 1 << 50}, true, []string{"5", "6"}},
			{"after", chat.Page{Limit: 2, After: ids[2], AfterSet: true}, true, []string{"3", "4"}},
			{"after, to the last", chat.Page{Limit: 4, After: ids[2], AfterSet: true}, false, []string{"3", "4", "5", "6"}},
			{"after the last", chat.Page{Limit: 4, After: ids[6], AfterSet: true}, false, []string{}},
			{"after 0", chat.Page{Limit: 2, AfterSet: true}, true, []string{"1", "2"}},
			{"after one that is not to be seen", chat.Page{Limit: 2, After: 1, AfterSet: true}, true, []string{"1", "2"}},
			{"after an id of another chat", chat.Page{Limit: 2, After: foreign[3], AfterSet: true}, true, []string{"4", "5"}},
			{"after an id that is not there yet", chat.Page{Limit: 2, After: 1 << 50, AfterSet: true}, false, []string{}},
		} {
			page, err := s.Messages(t.Context(), u[1], g, c.page)
			must(t, err)
			got := []string{}
			for _, m := range page.Messages {
				got = append(got, m.Content)
			}
			wantLines(t, c.name, got, c.want...)
			if page.HasMore != c.more || page.Messages == nil {
				t.Errorf("%s: has more %v, want %v", c.name, page.HasMore, c.more)
			}
		}
	})
}

func TestEditAndDelete(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve", "stranger")
		ann, bob, eve := u[0], u[1], u[2]
		names := map[int64]string{ann: "ann", bob: "bob", eve: "eve"}
		g := s.group(t, ann, bob, eve)
		m, _, err := s.SendMessage(t.Context(), bob, g, "text", "key")
		must(t, err)
		if m.CreatedAt != chat.At(s.clock.Now()) || *m.ClientID != "key" || m.EditedAt != nil || m.Deleted || m.Version != 2 || m.Seq != 1 {
			t.Errorf("sent %+v", m)
		}
		elsewhere := s.send(t, bob, s.group(t, bob), "elsewhere")
		s.takeEvents(t, g, names)
		edit := func(user, id int64, text string) (chat.Message, error) {
			return s.EditMessage(t.Context(), user, g, id, text)
		}
		remove := func(user, id int64) (chat.Message, error) { return s.DeleteMessage(t.Context(), user, g, id) }
		edited := s.clock.Now().Add(4 * time.Second) // by the fourth step
		for _, step := range []struct {
			name    string
			do      func() (chat.Message, error)
			code    chat.Code
			content string
			version int64
			edited  time.Time
			told    []string
		}{
			{"another edits", func() (chat.Message, error) { return edit(ann, m.ID, "x") }, chat.CodeForbidden, "", 0, time.Time{}, nil},
			{"a stranger edits", func() (chat.Message, error) { return edit(u[3], m.ID, "x") }, chat.CodeNotFound, "", 0, time.Time{}, nil},
			{"in another chat", func() (chat.Message, error) { return edit(bob, elsewhere.ID, "x") }, chat.CodeNotFound, "", 0, time.Time{}, nil},
			{"the sender edits", func() (chat.Message, error) { return edit(bob, m.ID, "edited") }, "", "edited", 3, edited, []string{"3 message.edited by bob seq 1"}},
			{"the same again", func() (chat.Message, error) { return edit(bob, m.ID, "edited") }, "", "edited", 3, edited, nil},
			{"another deletes", func() (chat.Message, error) { return remove(eve, m.ID) }, chat.CodeForbidden, "", 0, time.Time{}, nil},
			{"a stranger deletes", func() (chat.Message, error) { return remove(u[3], m.ID) }, chat.CodeNotFound, "", 0, time.Time{}, nil},
			{"deletes in another chat", func() (chat.Message, error) { return remove(bob, elsewhere.ID) }, chat.CodeNotFound, "", 0, time.Time{}, nil},
			{"the owner deletes", func() (chat.Message, error) { return remove(ann, m.ID) }, "", chat.Tombstone, 4, edited, []string{"4 message.deleted by ann seq 1"}},
			{"the sender too", func() (chat.Message, error) { return remove(bob, m.ID) }, "", chat.Tombstone, 4, edited, nil},
			{"edits what is deleted", func() (chat.Message, error) { return edit(bob, m.ID, "x") }, chat.CodeMessageDeleted, "", 0, time.Time{}, nil},
		} {
			s.clock.advance(time.Second)
			got, err := step.do()
			wantCode(t, err, step.code)
			wantLines(t, step.name, s.takeEvents(t, g, names), step.told...)
			if err != nil {
				continue
			}
			if got.Content != step.content || got.Version != step.version || got.EditedAt == nil || *got.EditedAt != chat.At(step.edited) || got.Deleted != (step.content == chat.Tombstone) || got.Seq != 1 {
				t.Errorf("%s: %+v", step.name, got)
			}
			if page, err := s.ChangedAfter(t.Context(), eve, g, step.version-1, 10); err != nil || len(page.Messages) != 1 || page.Messages[0].Content != step.content || page.Messages[0].ClientID != nil {
				t.Errorf("%s: changed %+v, %v", step.name, page, err)
			}
		}
		if c := s.see(t, eve, g); c.UnreadCount != 1 || c.LastMessage.Content != chat.Tombstone || c.LastMessage.ClientID != nil || c.Version != 4 {
			t.Errorf("sees %+v", c)
		}
		left := s.send(t, eve, g, "left")
		must(t, s.RemoveMember(t.Context(), eve, g, eve))
		wantCode(t, second(edit(eve, left.ID, "x")), chat.CodeNotFound)
		wantCode(t, second(remove(eve, left.ID)), chat.CodeNotFound)
	})
}

// Who is removed after they were found to be in the chat, and before its messages are read, is shown nothing that was said since.
func TestWhoIsRemovedReadsNothingMore(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		for name, read := range map[string]func(*chat.Service, int64) (chat.MessagePage, error){
			"Messages": func(node *chat.Service, g int64) (chat.MessagePage, error) {
				return node.Messages(t.Context(), u[1], g, chat.Page{Limit: 100})
			},
			"ChangedAfter": func(node *chat.Service, g int64) (chat.MessagePage, error) {
				return node.ChangedAfter(t.Context(), u[1], g, 0, 100)
			},
		} {
			g := s.group(t, u...)
			s.send(t, u[0], g, "open")
			var once sync.Once
			node := s.watched(t, func(query string) {
				if strings.Contains(query, "FROM `messages`") {
					once.Do(func() {
						must(t, s.RemoveMember(t.Context(), u[0], g, u[1]))
						s.send(t, u[0], g, "secret")
					})
				}
			})
			page, err := read(node, g)
			must(t, err)
			for _, m := range page.Messages {
				if m.Content == "secret" {
					t.Errorf("%s shows %+v", name, m)
				}
			}
			_, err = read(node, g)
			wantCode(t, err, chat.CodeNotFound)
		}
	})
}
