package database

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/ent"
	"doran/internal/testenv"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func openMigrated(t *testing.T, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Ent's own diff, which would also drop what the schema does not have, finds nothing to do after the migrations.
func TestMigrationsMakeTheSchema(t *testing.T) {
	testenv.Databases(t, func(t *testing.T, url string) {
		db := openMigrated(t, url)
		client := db.Client
		if db.Dialect == dialect.SQLite { // Ent migrates SQLite only with foreign keys switched on
			db.SQL.SetMaxOpenConns(1)
			if _, err := db.SQL.Exec("PRAGMA foreign_keys = ON"); err != nil {
				t.Fatal(err)
			}
		}
		var diff bytes.Buffer
		if err := client.Schema.WriteTo(t.Context(), &diff, schema.WithDropColumn(true), schema.WithDropIndex(true)); err != nil {
			t.Fatal(err)
		}
		if diff.Len() > 0 {
			t.Errorf("the migrated database is not what ent/schema says; write a migration for:\n%s", diff.String())
		}
	})
}

func TestMySQLTablesAreBinaryUTF8(t *testing.T) {
	db := openMigrated(t, testenv.MariaDB(t))
	rows, err := db.SQL.Query(`SELECT table_name, engine, table_collation, row_format FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_name <> 'schema_versions'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	tables := 0
	for rows.Next() {
		var name, engine, collation, format string
		if err := rows.Scan(&name, &engine, &collation, &format); err != nil {
			t.Fatal(err)
		}
		if got := engine + " " + collation + " " + format; got != "InnoDB utf8mb4_bin Dynamic" {
			t.Errorf("%s: %s", name, got)
		}
		tables++
	}
	if err := rows.Err(); err != nil || tables == 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

func TestSeveralNodesMigrateAtOnce(t *testing.T) {
	testenv.Databases(t, func(t *testing.T, url string) {
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				db, err := Open(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = db.Close() }()
				if version, err := db.Migrate(t.Context()); err != nil || version < 1 {
					t.Errorf("version %d, %v", version, err)
				}
			})
		}
		nodes.Wait()
	})
}

func TestTimesComeBackInUTCWithMilliseconds(t *testing.T) {
	testenv.Databases(t, func(t *testing.T, url string) {
		db := openMigrated(t, url)
		seoul := time.FixedZone("KST", 9*60*60)
		for _, at := range []time.Time{
			time.Date(2026, 3, 1, 8, 59, 59, 999e6, seoul),
			time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			time.Date(2026, 3, 1, 0, 0, 0, 100e6, time.UTC),
			time.Date(2026, 3, 1, 0, 0, 0, 120e6, time.UTC),
		} {
			made := db.Client.User.Create().SetCreatedAt(at).SetDeletedAt(at).SaveX(t.Context())
			user := db.Client.User.GetX(t.Context(), made.ID)
			for _, got := range []time.Time{user.CreatedAt, *user.DeletedAt} {
				if !got.Equal(at) || got.Location() != time.UTC {
					t.Errorf("wrote %v, read %v", at, got)
				}
			}
		}
		var order []int64
		for _, user := range db.Client.User.Query().Order(ent.Asc("created_at")).AllX(t.Context()) {
			order = append(order, user.CreatedAt.UnixMilli()%1000)
		}
		if want := []int64{999, 0, 100, 120}; !slices.Equal(order, want) {
			t.Errorf("by time: %v, want %v", order, want)
		}
	})
}

func TestMySQLSession(t *testing.T) {
	db := openMigrated(t, testenv.MariaDB(t))
	for what, want := range map[string]string{
		"@@tx_isolation":             "READ-COMMITTED",
		"@@collation_connection":     "utf8mb4_bin",
		"@@character_set_client":     "utf8mb4",
		"@@innodb_lock_wait_timeout": "1",
		"@@time_zone":                "+00:00",
	} {
		var got string
		if err := db.SQL.QueryRow("SELECT " + what).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", what, got, want, err)
		}
	}
	if _, err := db.SQL.Exec("INSERT INTO users (username, created_at) VALUES (?, NOW())", strings.Repeat("x", 65)); err == nil {
		t.Error("a name that is too long was cut")
	}
}

// A row that somebody else holds is an error of its own, before the read's timeout would take it for a dead database.
func TestLockWaitEndsBeforeTheTimeout(t *testing.T) {
	testenv.MariaDB(t)
	db := openMigrated(t, testenv.MariaDB(t))
	user := db.Client.User.Create().SetCreatedAt(time.Now()).SaveX(t.Context())
	tx, err := db.SQL.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.Exec("UPDATE users SET presence = 0 WHERE id = ?", user.ID); err != nil {
		t.Fatal(err)
	}
	_, err = db.SQL.Exec("UPDATE users SET presence = 1 WHERE id = ?", user.ID)
	if err == nil || !strings.Contains(err.Error(), "1205") {
		t.Errorf("got %v, want error 1205", err)
	}
}

func TestDatabaseThatStoppedIsAnErrorInUnderThreeSeconds(t *testing.T) {
	t.Parallel()
	server := testenv.NewMariaDB(t)
	url := server.Database(t)
	db := openMigrated(t, url)
	server.Stop()
	defer server.Cont()
	for name, ask := range map[string]func() error{
		"a pooled connection": func() error { return db.SQL.QueryRow("SELECT 1").Scan(new(int)) },
		"a new connection": func() error {
			other, err := Open(context.Background(), url)
			if err == nil {
				_ = other.Close()
			}
			return err
		},
	} {
		begin := time.Now()
		if err := ask(); err == nil || time.Since(begin) > 3*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(begin))
		}
	}
}

func TestUnusableURLs(t *testing.T) {
	for _, url := range []string{"", "postgres://a:secret@b/c", "sqlite://", "sqlite://:memory:", "mysql://", "mysql://root:secret@host", "mysql://host/name",
		"mysql://root:se%cret@host/name", "mysql://root:secret@host/name?allowAllFiles=true"} {
		db, err := Open(t.Context(), url)
		if err == nil {
			_ = db.Close()
			t.Errorf("%q opened", url)
		} else if strings.Contains(err.Error(), "cret") {
			t.Errorf("%q: the error shows the password: %v", url, err)
		}
	}
}
