package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"doran/internal/failpoint"

	"github.com/go-sql-driver/mysql"
)

// A stopped database is to be an error in under three seconds. A lock wait ends sooner than a read does, so that it
// is told apart from a database that is gone, and can be retried.
const (
	dialTimeout = 2 * time.Second
	ioTimeout   = 2500 * time.Millisecond
	lockWait    = "1" // seconds
)

const (
	maxConns     = 32
	connLifetime = 3 * time.Minute // shorter than what balancers and wait_timeout allow
)

func openMySQL(rawURL string, timeout time.Duration) (*sql.DB, error) {
	config, err := mysqlConfig(rawURL)
	if err != nil {
		return nil, err
	}
	config.ReadTimeout, config.WriteTimeout = timeout, timeout
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(readCommitted{connector})
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxLifetime(connLifetime)
	return db, nil
}

func mysqlConfig(rawURL string) (*mysql.Config, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("the mysql:// URL cannot be read; percent-encode what is special in the password") // err would show it
	}
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", u.Host
	if u.Port() == "" {
		c.Addr = u.Host + ":3306"
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.TrimPrefix(u.Path, "/")
	if c.DBName == "" || c.User == "" || u.Hostname() == "" || u.RawQuery != "" {
		return nil, errors.New("the mysql:// URL needs a user, a host and a database, and takes no parameters: mysql://user:password@host:3306/name")
	}
	c.Timeout = dialTimeout
	c.ParseTime, c.Loc = true, time.UTC
	c.InterpolateParams = true    // one round trip for each statement
	c.ClientFoundRows = true      // an UPDATE that changes nothing still says that it found the row
	c.Logger = &mysql.NopLogger{} // what it would print is also the error that it returns
	c.RejectReadOnly = true       // after a failover, leave the demoted primary
	c.Params = map[string]string{
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
		"innodb_lock_wait_timeout": lockWait,
		"time_zone":                "'+00:00'",
	}
	return c, c.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin"))
}

// readCommitted sets the isolation of each new session by the statement, as the variable is called tx_isolation on
// MariaDB 10.11 and transaction_isolation on MySQL 8.
type readCommitted struct{ driver.Connector }

// Connect implements driver.Connector.
func (c readCommitted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	level := "READ COMMITTED"
	if failpoint.Defective(failpoint.PublishBeforeCommit) {
		level = "READ UNCOMMITTED"
	}
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL "+level, nil)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("setting the session's isolation: %w", err)
	}
	return conn, nil
}

// warnIfNotDurable: a message that was answered with 201 survives a crash of the machine only with the value 1.
func warnIfNotDurable(ctx context.Context, db *sql.DB) {
	var flush string
	if err := db.QueryRowContext(ctx, "SELECT @@innodb_flush_log_at_trx_commit").Scan(&flush); err != nil || flush != "1" {
		slog.Warn("the database may lose committed messages when its machine crashes: set innodb_flush_log_at_trx_commit=1",
			"innodb_flush_log_at_trx_commit", flush, "err", err)
	}
}
