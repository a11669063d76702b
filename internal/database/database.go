// Package database opens the database that a URL names, MySQL or SQLite, with the settings that the domain relies on, and
// brings its tables up to date.
package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"doran/ent"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// DB is an open database. Client and SQL share one pool.
type DB struct {
	Client  *ent.Client
	SQL     *sql.DB
	Dialect string // dialect.MySQL or dialect.SQLite

	url string
}

// Open opens sqlite://path or mysql://user:password@host:3306/name, and fails when it does not answer. What the URL gives no
// word on is settled here: UTC, utf8mb4, Read Committed, strict modes, and an error in under three seconds from a
// database that does not answer.
func Open(ctx context.Context, url string) (*DB, error) {
	pool, name, err := open(url)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("database: %s does not answer: %w", place(url), err)
	}
	if name == dialect.MySQL {
		warnIfNotDurable(ctx, pool)
	}
	return &DB{Client: ent.NewClient(ent.Driver(entsql.OpenDB(name, pool))), SQL: pool, Dialect: name, url: url}, nil
}

func open(url string) (pool *sql.DB, name string, err error) {
	switch scheme, _, _ := strings.Cut(url, "://"); scheme {
	case "mysql":
		pool, err = openMySQL(url, ioTimeout)
		return pool, dialect.MySQL, err
	case "sqlite":
		pool, err = openSQLite(url)
		return pool, dialect.SQLite, err
	default:
		return nil, "", fmt.Errorf("the URL begins neither with sqlite:// nor with mysql:// (%q)", scheme)
	}
}

// place is a URL without what it may have of a password.
func place(url string) string {
	return url[max(strings.LastIndex(url, "@")+1, strings.Index(url, "://")+len("://")):]
}

// openPatient opens a pool for migrations, in which a statement may take as long as it needs.
func openPatient(url string) (*sql.DB, error) {
	if strings.HasPrefix(url, "mysql://") {
		return openMySQL(url, 0)
	}
	return openSQLite(url)
}

// Close closes the pool.
func (db *DB) Close() error { return db.SQL.Close() }
