package chat_test

import (
	"database/sql"
	"testing"
	"unicode/utf8"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/testenv"
)

// Two names belong to one account exactly when the database holds their keys to be one: neither two accounts under one name, nor one
// account that takes another's name away.
func FuzzUsernames(f *testing.F) {
	for _, pair := range [][2]string{{"bob", "BOB"}, {"Ｂob", "bob"}, {"straße", "strasse"}, {"STRASSE", "straße"}, {"alice", "alice "}, {"alice", "alice\x00"}, {"аlice", "alice"},
		{"é́a", "É́a"}, {"도란", "도란"}, {"ﬁve", "five"}, {"😀😀", "😈😈"}, {"ıstanbul", "istanbul"}, {"İstanbul", "i̇stanbul"}, {"ſam", "sam"}, {"ᴮᴵᴳᴮᴵᴿᴰ", "bigbird"}, {"Kelvin", "kelvin"}} {
		f.Add(pair[0], pair[1])
	}
	db, err := database.Open(f.Context(), testenv.MariaDB(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		a, err := chat.UsernameKey(one)
		b, err2 := chat.UsernameKey(other)
		if err == nil {
			checkKey(t, one, a)
		}
		if err != nil || err2 != nil {
			return
		}
		if same := areOne(t, db.SQL, a, b); same != (a == b) {
			t.Errorf("%q is %q and %q is %q; the database holds them to be one: %v", one, a, other, b, same)
		}
	})
}

func checkKey(t *testing.T, typed, key string) {
	again, err := chat.UsernameKey(key)
	if err != nil || again != key {
		t.Errorf("%q is %q, and that is %q (%v)", typed, key, again, err)
	}
	if !utf8.ValidString(key) || len(key) > 255 {
		t.Errorf("%q is %q, which has no room in the database", typed, key)
	}
}

// areOne has the database's own unique index decide.
func areOne(t *testing.T, db *sql.DB, a, b string) bool {
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	const insert = "INSERT INTO users (username, username_key, password, presence, created_at) VALUES ('x', ?, '', 1, NOW(3))"
	if _, err := tx.Exec(insert, a); err != nil {
		t.Fatalf("%q cannot be stored: %v", a, err)
	}
	_, err = tx.Exec(insert, b)
	return err != nil
}
