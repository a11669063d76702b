package database

import (
	"database/sql"
	"errors"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// maxSQLiteConns lets reads go on beside the one writer that SQLite has.
const maxSQLiteConns = 8

func openSQLite(rawURL string) (*sql.DB, error) {
	path := sqlitePath(rawURL)
	if path == "" || path == ":memory:" {
		return nil, errors.New("the sqlite:// URL needs the path of a file: sqlite://doran.db, sqlite:///var/lib/doran/doran.db")
	}
	db, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxSQLiteConns)
	db.SetMaxIdleConns(maxSQLiteConns)
	return db, nil
}

func sqlitePath(rawURL string) string { return strings.TrimPrefix(rawURL, "sqlite://") }

// sqliteDSN: a transaction takes the write lock when it begins, as one that reads first and writes later fails with
// SQLITE_BUSY without waiting; with synchronous FULL a commit in WAL mode is on the disk when it returns. WAL mode is a property
// of the file, which Migrate gives it under its lock: two that switch at once fail with SQLITE_BUSY, also without waiting.
func sqliteDSN(path string) string {
	return "file:" + escapePath(path) + "?" + url.Values{
		"_pragma":      {"busy_timeout(5000)", "synchronous(FULL)", "foreign_keys(0)"},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}.Encode()
}

// escapePath writes a path as SQLite's URIs want it: a ? or # in it would end it.
func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }
