package chat

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What MySQL and MariaDB say when the same transaction may succeed the next time.
var mysqlTryAgain = []uint16{
	1020, // record has changed since last read (MariaDB with innodb_snapshot_isolation)
	1205, // lock wait timeout
	1213, // deadlock
}

// What they say when they, or the connection, are on their way out.
var mysqlUnavailable = []uint16{
	1021, // disk full
	1026, // error writing a file
	1030, // error of the storage engine; 28 is a full disk
	1040, // too many connections
	1053, // shutdown in progress
	1114, // the table is full: InnoDB's word for a full disk
	1180, // error while committing
	1203, // too many connections of this user
	1290, // read-only, before a failover
	1317, // query interrupted
	1836, // read-only
	1927, // connection was killed
	2006, // server has gone away (proxies)
	2013, // lost connection (proxies)
}

// How a connection or a deadline ends; of a transaction whose time is up, database/sql says sql.ErrTxDone.
var connectionsGone = []error{driver.ErrBadConn, mysql.ErrInvalidConn, sql.ErrConnDone, sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF,
	context.DeadlineExceeded, context.Canceled}

var sqliteTryAgain = []int{sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

var sqliteUnavailable = []int{sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR}

// dbErr makes of a database that does not answer a CodeUnavailable, and leaves every other error as it is. Every method
// passes the errors of its reads through it; tx does so by itself.
func (s *Service) dbErr(err error) error {
	var refusal *Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	if canTryAgain(err) || isUnavailable(err) {
		return unavailable(err)
	}
	return err
}

func unavailable(cause error) error {
	return &Error{Code: CodeUnavailable, Detail: "The database does not answer at the moment. Try again in a few seconds.", Err: cause}
}

// canTryAgain says whether the transaction was rolled back and may succeed when it is run again.
func canTryAgain(err error) bool {
	return isMySQL(err, mysqlTryAgain) || isSQLite(err, sqliteTryAgain)
}

// isDuplicate says whether a unique index refused a row.
func isDuplicate(err error) bool {
	const duplicateEntry = 1062
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
	}
	return isMySQL(err, []uint16{duplicateEntry})
}

func isUnavailable(err error) bool {
	for _, gone := range connectionsGone {
		if errors.Is(err, gone) {
			return true
		}
	}
	var network net.Error
	return errors.As(err, &network) || isMySQL(err, mysqlUnavailable) || isSQLite(err, sqliteUnavailable)
}

func isMySQL(err error, numbers []uint16) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && slices.Contains(numbers, e.Number)
}

// isSQLite compares primary result codes, which are the low byte of the extended ones.
func isSQLite(err error, codes []int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code()&0xff)
}
