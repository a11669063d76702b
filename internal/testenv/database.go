package testenv

import (
	"path/filepath"
	"testing"
)

// SQLite is the URL of a database file that does not exist yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "doran.db")
}

// Databases runs a subtest for each database that Doran knows, with the URL of an empty one.
func Databases(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("mysql", func(t *testing.T) { test(t, MariaDB(t)) })
}
