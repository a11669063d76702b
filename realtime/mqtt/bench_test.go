package mqtt

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"doran/chat"
	"doran/internal/testenv"
)

// What a device more costs when the broker knows many: the plugin writes its whole file for each command that changes something.
func BenchmarkAdmitAmongManyDevices(b *testing.B) {
	for _, devices := range []int{0, 1_000, 10_000} {
		b.Run(fmt.Sprint(devices), func(b *testing.B) {
			server := testenv.Mosquitto(b)
			server.Kill()
			know(b, server.SecurityFile(), devices)
			server.Restart()
			broker := newWorld(b).mosquitto(server, Events{})
			ids, err := broker.Clients(b.Context())
			if err != nil || len(ids) != devices {
				b.Fatalf("the broker knows %d devices, %v", len(ids), err)
			}
			b.ResetTimer()
			for i := range b.N {
				id := fmt.Sprintf("%snew-%d", chat.GrantPrefix, i)
				if err := broker.Admit(context.Background(), chat.Grant{ID: int64(i), UserID: 1, ClientID: id}, "password"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// know writes devices into the plugin's file, as if each had been admitted.
func know(b *testing.B, file string, devices int) {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var security map[string]any
	if err := json.Unmarshal(text, &security); err != nil {
		b.Fatal(err)
	}
	clients, roles := security["clients"].([]any), security["roles"].([]any)
	admin := clients[0].(map[string]any)
	for i := range devices {
		id, topic := fmt.Sprintf("%s%d-abcdefghijklmnop", chat.GrantPrefix, i), Device{int64(i), int64(i)}.Topic()
		clients = append(clients, map[string]any{"username": id, "clientid": id, "password": admin["password"], "salt": admin["salt"],
			"iterations": admin["iterations"], "roles": []any{map[string]any{"rolename": id}}})
		roles = append(roles, map[string]any{"rolename": id, "acls": []acl{{"subscribeLiteral", topic, true}, {"publishClientReceive", topic, true}}})
	}
	security["clients"], security["roles"] = clients, roles
	if text, err = json.Marshal(security); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
}
