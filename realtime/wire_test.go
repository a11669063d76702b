package realtime_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"doran/chat"
	"doran/realtime/inbox"
)

// What the shared fixtures show of batches is what the types here write: no field more, none less, and cursors that are some.
func TestWireFixtures(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/wire/batch.*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		fixture, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b := decodeBatch(t, fixture)
		encoded, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := value(t, encoded), value(t, fixture); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: written as %s", filepath.Base(file), encoded)
		}
		cursors := []string{b.Cursor}
		if !b.Gap {
			cursors = append(cursors, b.After)
		}
		for _, e := range b.Events {
			if e.ID != "" {
				cursors = append(cursors, e.ID)
			}
		}
		for _, cursor := range cursors {
			if _, err := inbox.ParseCursor(2, cursor); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(file), cursor, err)
			}
		}
	}
}

// decodeBatch reads the fixture into the types that the server writes, and fails at what they do not have.
func decodeBatch(t *testing.T, fixture []byte) inbox.Batch {
	t.Helper()
	var b inbox.Batch
	strictly(t, fixture, &b)
	for i := range b.Events {
		e := &b.Events[i]
		raw, err := json.Marshal(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		e.Data = dataOf(e.Type)
		strictly(t, raw, e.Data)
	}
	return b
}

func dataOf(kind chat.EventType) any {
	switch kind {
	case chat.MessageCreated, chat.MessageEdited, chat.MessageDeleted:
		return &chat.Message{}
	case chat.MessageRead:
		return &chat.ReadData{}
	case chat.ChatCreated, chat.ChatUpdated, chat.ChatDeleted:
		return &chat.Info{}
	case chat.MemberAdded, chat.MemberRemoved:
		return &inbox.MemberData{}
	default:
		return &map[string]any{}
	}
}

func strictly(t *testing.T, data []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%T: %v in %s", into, err, data)
	}
}

func value(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
