package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fault is something that goes wrong. It happens in the run's own goroutine; what it gives undoes it, and may be nil.
type fault struct {
	name   string
	happen func(w *town) (heal func())
}

func faultsOf(w *town) []fault {
	all := []fault{
		{"node: kill -9", func(w *town) func() { w.node().signal(syscall.SIGKILL); return nil }},
		{"node: frozen", func(w *town) func() {
			n := w.node()
			n.signal(syscall.SIGSTOP)
			return func() { n.signal(syscall.SIGCONT) }
		}},
		{"node: rolling restart", (*town).rollingRestart},
		{"redis: kill -9 and start again", func(w *town) func() { w.redis.Kill(); return w.redis.Restart }},
		{"redis: frozen", func(w *town) func() { w.redis.Stop(); return w.redis.Cont }},
		{"redis: emptied", func(w *town) func() { return w.tellRedis("FLUSHALL") }},
		{"redis: an old snapshot is restored", (*town).restoreSnapshot},
		{"redis: scripts forgotten", func(w *town) func() { return w.tellRedis("SCRIPT", "FLUSH") }},
		{"redis: out of memory", func(w *town) func() {
			w.tellRedis("CONFIG", "SET", "maxmemory", "1mb")
			return func() { w.tellRedis("CONFIG", "SET", "maxmemory", "0") }
		}},
		{"redis: connections ended", func(w *town) func() {
			w.tellRedis("CLIENT", "KILL", "TYPE", "normal")
			return w.tellRedis("CLIENT", "KILL", "TYPE", "pubsub")
		}},
		{"redis: some keys gone", (*town).loseKeys},
		{"redis: bodies gone", (*town).loseBodies},
		{"redis: texts gone while their messages are read and deleted", (*town).loseBodiesOfDeleted},
		{"database: kill -9 and start again", func(w *town) func() {
			w.mariadb.Kill()
			return w.restartDatabase
		}},
		{"database: frozen", func(w *town) func() { w.mariadb.Stop(); return w.mariadb.Cont }},
		{"database: connections ended", (*town).killConnections},
		{"database: read-only", func(w *town) func() {
			w.tellDatabase("SET GLOBAL read_only=1")
			return func() { w.tellDatabase("SET GLOBAL read_only=0") }
		}},
		{"database: a chat's row is locked", (*town).lockChat},
		{"broker: kill -9 and start again", func(w *town) func() { w.broker.Kill(); return w.broker.Restart }},
		{"broker: frozen", func(w *town) func() { w.broker.Stop(); return w.broker.Cont }},
		{"database: deadlocks", (*town).deadlocks},
	}
	if canLimitFiles {
		all = append(all, fault{"node: too many open files", (*town).fewFiles})
	}
	if w.ownDisks {
		all = append(all, fault{"database: disk full", (*town).fillDatabaseDisk},
			fault{"redis: disk full", func(w *town) func() {
				w.fillDisk(w.redisDisk)
				return func() { w.growDisk(w.redisDisk) }
			}})
	}
	for _, l := range []struct {
		what string
		of   func(n *node) *link
	}{
		{"node to database", func(n *node) *link { return n.toDB }},
		{"node to redis", func(n *node) *link { return n.toRedis }},
		{"node to broker", func(n *node) *link { return n.toBroker }},
		{"clients to node", func(n *node) *link { return n.front }},
	} {
		for _, how := range []struct {
			what string
			do   func(*link)
		}{{"reset", nil}, {"cut", (*link).cut}, {"slow", func(l *link) { l.slow(50 + rand.IntN(300)) }}, {"held", (*link).hold}, {"answers lost", (*link).swallow}} {
			all = append(all, fault{l.what + ": " + how.what, func(w *town) func() {
				link := l.of(w.node())
				if how.do == nil {
					link.reset()
					return nil
				}
				how.do(link)
				return link.heal
			}})
		}
	}
	var wanted []fault
	for _, f := range all {
		if strings.Contains(f.name, w.options.Faults) {
			wanted = append(wanted, f)
		}
	}
	return wanted
}

func (w *town) restartDatabase() {
	if err := w.mariadb.Restart(); err != nil {
		w.t.Fatalf("the database does not start again: %v", err)
	}
}

func (w *town) tellRedis(args ...any) func() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := w.look.Do(ctx, args...).Err(); err != nil {
		w.history.note("%v: %v", args, err)
	}
	return nil
}

func (w *town) tellDatabase(statement string) {
	if err := w.mariadb.Exec(statement); err != nil {
		w.history.note("%s: %v", statement, err)
	}
}

// rollingRestart restarts one node after the other, and like any rollout goes no further when one does not come back. Another fault may be why,
// and that one is not healed before this one has happened.
func (w *town) rollingRestart() func() {
	for _, n := range w.nodes {
		n.signal(syscall.SIGTERM)
		_ = waitFor(15*time.Second, n.name+" is gone", func() bool { return !n.ready() })
		if err := waitFor(12*time.Second, n.name+" is back", n.ready); err != nil {
			w.history.note("%v: the restart goes no further", err)
			return nil
		}
	}
	return nil
}

// restoreSnapshot puts the Redis back to the one before, and takes the next.
func (w *town) restoreSnapshot() func() {
	if w.restore != nil {
		w.restore()
	}
	w.restore = w.redis.Backup()
	return nil
}

// fillDisk leaves the part that has its files there no room; growDisk undoes it.
func (w *town) fillDisk(dir string) {
	if err := fillDisk(dir); err != nil {
		w.history.note("the disk cannot be filled: %v", err)
	}
}

func (w *town) growDisk(dir string) {
	if err := growDisk(dir); err != nil {
		w.t.Errorf("a full disk stays full: %v", err)
	}
}

// fillDatabaseDisk is for a database too that gives up, and is started again by whoever looks after it.
func (w *town) fillDatabaseDisk() func() {
	w.fillDisk(w.databaseDisk)
	return func() {
		w.growDisk(w.databaseDisk)
		if w.db.Ping() != nil {
			w.mariadb.Kill()
			w.restartDatabase()
		}
	}
}

// loseKeys removes inboxes, halves of inboxes and bodies, as expiry and operators do.
func (w *town) loseKeys() func() {
	for range 6 {
		p := w.people[rand.IntN(len(w.people))]
		stream := fmt.Sprintf("inbox:{%d}", p.id)
		switch rand.IntN(5) {
		case 0:
			w.tellRedis("DEL", stream)
		case 1:
			w.tellRedis("DEL", stream+":chats")
		case 2:
			w.tellRedis("DEL", stream, stream+":chats")
		case 3:
			w.tellRedis("XTRIM", stream, "MAXLEN", rand.IntN(4))
		case 4:
			if m, ok := w.someRoom().oneOf(); ok {
				w.tellRedis("DEL", fmt.Sprintf("message:{%d}", m.ID))
			}
		}
	}
	return nil
}

// loseBodies removes half of the bodies that it comes by in a second: who reads fills them again.
func (w *town) loseBodies() func() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for cursor := uint64(0); ; {
		keys, next, err := w.look.Scan(ctx, cursor, "message:{*}", 1000).Result()
		if err != nil {
			return nil
		}
		if half := keys[:len(keys)/2]; len(half) > 0 {
			w.look.Unlink(ctx, half...)
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// loseBodiesOfDeleted removes some bodies, and has each message deleted just when somebody who reads it fills it again.
func (w *town) loseBodiesOfDeleted() func() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { w.loseBodyOfDeleted(ctx, w.someRoom()) })
	}
	all.Wait()
	return nil
}

func (w *town) loseBodyOfDeleted(ctx context.Context, r *room) {
	m, ok := r.oneOf()
	if !ok {
		return
	}
	reader := w.browser(w.rooms.people[m.SenderID])
	newest := reader.cursor // where the last batch begins; who goes on reading finds the deletion, and puts right what it did
	for from := newest; reader.readSome(ctx); from = reader.cursor {
		newest = from
	}
	w.tellRedis("UNLINK", fmt.Sprintf("message:{%d}", m.ID))
	reader = w.browser(reader.person)
	reader.cursor = newest
	var reading sync.WaitGroup
	reading.Go(func() { reader.readSome(ctx) })
	pause(ctx, time.Duration(rand.IntN(60))*time.Millisecond)
	version := w.deleteMessage(ctx, r, m)
	reading.Wait()
	if version > 0 {
		w.checkDeletedBody(m.ID, version)
	}
}

func (w *town) killConnections() func() {
	rows, err := w.db.Query("SELECT id FROM information_schema.processlist WHERE user = ?", dbUser)
	if err != nil {
		return nil
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		if rows.Scan(&id) == nil {
			w.tellDatabase(fmt.Sprintf("KILL CONNECTION %d", id))
		}
	}
	return nil
}

// lockChat holds a chat's row, as a forgotten transaction does.
func (w *town) lockChat() func() {
	tx, err := w.db.Begin()
	if err != nil {
		return nil
	}
	_, _ = tx.Exec("SELECT id FROM chats WHERE id = ? FOR UPDATE", w.someRoom().id)
	return func() { _ = tx.Rollback() }
}

// deadlocks takes chat rows in the wrong order for a while.
func (w *town) deadlocks() func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			tx, err := w.db.Begin()
			if err != nil {
				pause(ctx, 50*time.Millisecond)
				continue
			}
			for i := len(w.rooms.all) - 1; i >= 0; i-- {
				if _, err := tx.Exec("SELECT id FROM chats WHERE id = ? FOR UPDATE", w.rooms.all[i].id); err != nil {
					break
				}
			}
			_ = tx.Rollback()
			pause(ctx, time.Duration(rand.IntN(30))*time.Millisecond)
		}
	}()
	return func() { cancel(); <-done }
}
