package handlers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"doran/chat"
	"doran/handlers"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/wire anew")

const wire = "../testdata/wire"

func at(clock string) chat.Time {
	t, err := time.Parse(time.RFC3339, "2026-11-23T"+clock+"Z")
	must(err)
	return chat.At(t)
}

func ref[T any](v T) *T { return &v }

var (
	minji   = chat.User{ID: 1, Username: ref("Minji"), CreatedAt: at("07:00:00")}
	jun     = chat.User{ID: 2, Username: ref("준호"), CreatedAt: at("07:00:01")}
	gone    = chat.User{ID: 3, CreatedAt: at("07:00:02")}
	message = chat.Message{ID: 512, ChatID: 7, Seq: 1, Version: 2, SenderID: 1, Content: "오늘 저녁에 볼까? <3", ClientID: ref("5f3c-1"), CreatedAt: at("07:30:00.123")}
	group   = chat.Info{ID: 7, Kind: chat.KindGroup, Title: "등산", OwnerID: ref[int64](1), MemberCount: 2, Users: []chat.User{minji, jun}, CreatedAt: at("07:20:00"), Version: 6}
	direct  = chat.Info{ID: 8, Kind: chat.KindDirect, MemberCount: 2, Users: []chat.User{minji, jun}, CreatedAt: at("07:25:00"), Version: 1}
)

func edited() chat.Message {
	m := message.For(2)
	m.Content, m.Version, m.EditedAt = "내일 저녁에 볼까?", 3, ref(at("07:31:00"))
	return m
}

func deleted() chat.Message {
	m := message.For(2)
	m.Content, m.Version, m.Deleted = chat.Tombstone, 4, true
	return m
}

func chatOfGroup() chat.Chat {
	return chat.Chat{Info: group, FirstSeq: 1, LastMessage: ref(message.For(2)), LastReadMessageID: ref[int64](511), UnreadCount: 1, Muted: true}
}

func emptyChat() chat.Chat { return chat.Chat{Info: direct, FirstSeq: 1} }

type object = map[string]any

// fixture is a file of testdata/wire, by its name without .json, and the schema that it follows.
type fixture struct {
	schema string
	value  any
}

func fixtures() map[string]fixture {
	all := map[string]fixture{
		"user":               {"User", minji},
		"user.deleted":       {"User", gone},
		"me":                 {"Me", chat.Me{User: minji, Presence: true}},
		"signed_in":          {"SignedIn", chat.SignedIn{User: minji, Token: "a-token-of-minji", ExpiresAt: at("07:00:00")}},
		"new_token":          {"NewToken", object{"token": "another-token-of-minji", "expires_at": at("07:00:00")}},
		"tokens":             {"Tokens", object{"tokens": []chat.Token{{ID: 31, Device: "Laptop", CreatedAt: at("07:00:00"), UsedAt: at("08:00:00"), ExpiresAt: at("09:00:00"), Current: true}}}},
		"devices":            {"Devices", object{"devices": []chat.Device{{ID: "phone", Kind: chat.KindFCM, TokenID: 31, Current: true, CreatedAt: at("07:00:00"), UpdatedAt: at("08:00:00")}}}},
		"device_log":         {"DeviceLog", object{"log": []object{{"at": at("07:00:00"), "until": at("07:10:00"), "count": 3, "result": "foreground", "detail": "The token was connected."}}}},
		"webpush_key":        {"WebPushKey", object{"public_key": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"}},
		"users":              {"Users", object{"users": []chat.User{minji, jun}}},
		"users.none":         {"Users", object{"users": []chat.User{}}},
		"friends":            {"Friends", object{"friends": []chat.Friend{{User: jun, Online: ref(true)}, {User: minji, Online: ref(false)}, {User: gone}}}},
		"blocks":             {"Blocks", object{"blocks": []chat.User{gone}}},
		"chat.group":         {"Chat", chatOfGroup()},
		"chat.direct.empty":  {"Chat", emptyChat()},
		"chats.page":         {"ChatPage", chat.ChatPage{Chats: []chat.Chat{chatOfGroup()}, Next: ref("1763882999000.7")}},
		"chats.last":         {"ChatPage", chat.ChatPage{Chats: []chat.Chat{emptyChat()}}},
		"message":            {"Message", message},
		"message.of_another": {"Message", message.For(2)},
		"message.edited":     {"Message", edited()},
		"message.deleted":    {"Message", deleted()},
		"messages.page":      {"MessagePage", chat.MessagePage{Messages: []chat.Message{message, edited()}, HasMore: true}},
		"messages.none":      {"MessagePage", chat.MessagePage{Messages: []chat.Message{}}},
		"members":            {"Members", object{"users": []chat.Member{{ID: 1, Username: minji.Username, Role: chat.RoleOwner, LastMessageID: ref[int64](512), JoinedAt: at("07:20:00")}, {ID: 3, Role: chat.RoleMember, JoinedAt: at("07:21:00")}}}},
		"member.own":         {"MyMember", chat.MyMember{Member: chat.Member{ID: 2, Username: jun.Username, Role: chat.RoleMember, JoinedAt: at("07:20:00")}, Muted: true}},
		"read":               {"Read", chat.Read{ChatID: 7, UserID: 2, LastMessageID: ref[int64](512)}},
		"mqtt_grant": {"MQTTGrant", object{"url": "mqtts://mqtt.example:8883", "ws_url": "wss://mqtt.example/mqtt", "client_id": "doran-1-k3vq7xw2mzpd5ahe",
			"username": "doran-1-k3vq7xw2mzpd5ahe", "password": "a-password-of-minji", "topic": "inbox/1/7", "qos": 1, "expires_at": at("07:30:30")}},
		"ticket":                   {"Ticket", object{"ticket": "a-ticket-of-minji", "expires_at": at("07:30:30")}},
		"batch.empty":              {"Batch", batch(1)},
		"batch.gap":                {"Gap", gap{true, []event{}, cursor(9)}},
		"batch.several":            {"Batch", batch(1, kept(2, "chat.created", 1, group), kept(3, "message.created", 2, message.For(2)), kept(4, "message.edited", 3, edited()))},
		"batch.message.created":    {"Batch", batch(1, kept(2, "message.created", 2, message.For(2)))},
		"batch.message.edited":     {"Batch", batch(2, kept(3, "message.edited", 3, edited()))},
		"batch.message.deleted":    {"Batch", batch(3, kept(4, "message.deleted", 4, deleted()))},
		"batch.message.read":       {"Batch", batch(4, kept(5, "message.read", 4, chat.ReadData{UserID: 1, LastMessageID: 512, Seq: 1}))},
		"batch.chat.created":       {"Batch", batch(1, kept(2, "chat.created", 1, group))},
		"batch.chat.updated":       {"Batch", batch(5, kept(6, "chat.updated", 5, group))},
		"batch.chat.deleted":       {"Batch", batch(8, kept(9, "chat.deleted", 8, group))},
		"batch.member.added":       {"Batch", batch(6, kept(7, "member.added", 6, object{"user": jun, "by": minji}))},
		"batch.member.removed":     {"Batch", batch(7, kept(8, "member.removed", 7, object{"user": gone, "by": gone}))},
		"batch.ephemeral.typing":   {"Batch", batch(4, event{Type: "typing", ChatID: 7, At: at("07:32:00"), Data: object{"user_id": 2}})},
		"batch.ephemeral.presence": {"Batch", batch(4, event{Type: "presence", At: at("07:32:01"), Data: object{"user_id": 2, "online": true}})},
		"batch.ephemeral.read":     {"Batch", batch(4, event{Type: "message.read", ChatID: 7, At: at("07:32:02"), Data: chat.ReadData{UserID: 1, LastMessageID: 512, Seq: 1}})},
	}
	for code := range handlers.Kinds() {
		refusal := &chat.Error{Code: chat.Code(code), Detail: "What happened, to which thing, and what to do."}
		if refusal.Code == chat.CodeValidation {
			refusal.Detail = "content: This field is needed. (and 1 more)"
			refusal.Fields = []chat.FieldError{{Field: "content", Code: "required", Detail: "This field is needed."}, {Field: "text", Code: "unknown", Detail: "This call has no such field."}}
		}
		all["error."+code] = fixture{"Problem", handlers.ProblemOf(refusal)}
	}
	return all
}

// Batches in the words of the protocol.

type event struct {
	ID      string    `json:"id,omitempty"`
	Type    string    `json:"type"`
	ChatID  int64     `json:"chat_id,omitempty"`
	Version int64     `json:"version,omitempty"`
	At      chat.Time `json:"at"`
	Data    any       `json:"data"`
}

type gap struct {
	Gap    bool    `json:"gap"`
	Events []event `json:"events"`
	Cursor string  `json:"cursor"`
}

func batch(after int, events ...event) any {
	end := cursor(after)
	for _, e := range events {
		if e.ID != "" {
			end = e.ID
		}
	}
	return struct {
		After  string  `json:"after"`
		Events []event `json:"events"`
		Cursor string  `json:"cursor"`
	}{cursor(after), append([]event{}, events...), end}
}

func kept(entry int, kind string, version int64, data any) event {
	return event{cursor(entry), kind, 7, version, at(fmt.Sprintf("07:30:0%d", entry)), data}
}

// cursor is one of user 2.
func cursor(entry int) string {
	text := fmt.Sprintf("2.1.9f1c04aa.176388300%d000-0", entry)
	return fmt.Sprintf("%s.%08x", text, crc32.ChecksumIEEE([]byte(text)))
}

func TestTheWire(t *testing.T) {
	t.Parallel()
	all := fixtures()
	for name, f := range all {
		var encoded bytes.Buffer
		encoder := json.NewEncoder(&encoded)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		must(encoder.Encode(f.value))
		checkSchema(t, f.schema, encoded.Bytes())

		path := filepath.Join(wire, name+".json")
		if *update {
			must(os.WriteFile(path, encoded.Bytes(), 0o644))
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v: run `go test ./handlers -run TheWire -update`, and look at what changed", err)
			continue
		}
		if diff := cmp.Diff(string(golden), encoded.String()); diff != "" {
			t.Errorf("%s is not what goes on the wire: %s", path, diff)
		}
	}
	files, err := filepath.Glob(filepath.Join(wire, "*.json"))
	must(err)
	for _, path := range files {
		name := filepath.Base(path)
		if _, ok := all[name[:len(name)-len(".json")]]; !ok {
			t.Errorf("%s is no fixture; remove it", path)
		}
	}
}
