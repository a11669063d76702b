package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the tables up to date and says which version they are at. Several nodes may do so at once: one does,
// the others wait for it.
func (db *DB) Migrate(ctx context.Context) (version int64, err error) {
	version, err = db.migrate(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrating the database: %w", err)
	}
	return version, nil
}

func (db *DB) migrate(ctx context.Context) (int64, error) {
	lock := lockMySQL
	if db.Dialect == dialect.SQLite {
		lock = lockSQLite
	}
	unlock, err := lock(ctx, db.url)
	if err != nil {
		return 0, fmt.Errorf("waiting for another node that migrates: %w", err)
	}
	defer unlock()

	pool, err := openPatient(db.url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = pool.Close() }()
	if db.Dialect == dialect.SQLite {
		if _, err := pool.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
			return 0, err
		}
	}
	provider, err := db.provider(pool)
	if err != nil {
		return 0, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return 0, err
	}
	return provider.GetDBVersion(ctx)
}

func (db *DB) provider(pool *sql.DB) (*goose.Provider, error) {
	name, folder := goose.DialectMySQL, "mysql"
	if db.Dialect == dialect.SQLite {
		name, folder = goose.DialectSQLite3, "sqlite"
	}
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(name, pool, files, goose.WithTableName("schema_versions"))
}

// lockMySQL takes a named lock, which ends with its connection: a node that dies leaves none behind.
func lockMySQL(ctx context.Context, url string) (unlock func(), err error) {
	pool, err := openPatient(url)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		_ = pool.Close()
		return nil, err
	}
	unlock = func() { _, _ = conn.Close(), pool.Close() }
	var got sql.NullInt64
	const lock = "SELECT GET_LOCK(CONCAT('doran.migrate.', MD5(DATABASE())), 600)"
	if err := conn.QueryRowContext(ctx, lock).Scan(&got); err != nil {
		unlock()
		return nil, err
	}
	if got.Int64 != 1 {
		unlock()
		return nil, errors.New("it has not come to an end in ten minutes")
	}
	return unlock, nil
}

// lockSQLite locks an empty database beside the real one, because the tool that migrates takes the real one's lock and gives it
// back for each step. The file stays: removing it would let two nodes hold locks on two files of one name.
func lockSQLite(ctx context.Context, url string) (unlock func(), err error) {
	pool, err := sql.Open("sqlite", "file:"+escapePath(sqlitePath(url)+"-lock")+"?_txlock=exclusive&_pragma=busy_timeout(600000)")
	if err != nil {
		return nil, err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		_ = pool.Close()
		return nil, err
	}
	return func() { _, _ = tx.Rollback(), pool.Close() }, nil
}
