package chat

import (
	"context"
	"math/rand/v2"
	"time"

	"doran/ent"
	"doran/internal/failpoint"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

const (
	txTimeout = 2500 * time.Millisecond // of all tries together: an answer comes in under three seconds
	txTries   = 6
	txPause   = 5 * time.Millisecond // doubles with each try
)

// maxIn is how many ids one statement asks for.
const maxIn = 1000

// tx runs fn in a transaction and commits, unless fn fails. Whatever fails rolls everything back: after a lock timeout InnoDB
// leaves a transaction open and half done. A deadlock, a lock timeout or a busy database runs fn again from its start, so
// fn sets what it gives to the outside anew each time, and tells nobody anything. It returns at the first error: after a
// deadlock the transaction is gone, and InnoDB would commit a further statement by itself.
//
// Who hangs up does not cancel a COMMIT. One whose connection broke has an unknown outcome and is not tried again: the caller
// gets CodeUnavailable, as for every database that does not answer.
func (s *Service) tx(ctx context.Context, fn func(tx *ent.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), txTimeout)
	defer cancel()
	var err error
	for try := range txTries {
		if err = s.try(ctx, fn); !canTryAgain(err) || !pause(ctx, txPause<<try) {
			break
		}
	}
	return s.dbErr(err)
}

func (s *Service) try(ctx context.Context, fn func(tx *ent.Tx) error) error {
	unlock, err := s.lockWriter(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	tx, err := s.Client.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // also when fn panics; after a commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	failpoint.Here(failpoint.BeforeCommit)
	if err := tx.Commit(); err != nil {
		return err
	}
	failpoint.Here(failpoint.AfterCommit)
	return nil
}

// lockWriter keeps this process' transactions on SQLite in a queue: SQLite has one writer, and lets those that wait for it poll.
func (s *Service) lockWriter(ctx context.Context) (unlock func(), err error) {
	if s.Dialect != dialect.SQLite {
		return func() {}, nil
	}
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pause waits up to max, at random, so that those who met once do not meet again. It says whether there is time for more.
func pause(ctx context.Context, max time.Duration) bool {
	select {
	case <-time.After(rand.N(max)):
		return true
	case <-ctx.Done():
		return false
	}
}

// forUpdate makes a query take the locks of the rows that it reads. On SQLite the transaction has the lock of all rows already.
func forUpdate[Q interface {
	ForUpdate(...entsql.LockOption) Q
}](s *Service, query Q) Q {
	if s.Dialect == dialect.MySQL {
		return query.ForUpdate()
	}
	return query
}
