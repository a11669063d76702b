package faults

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doran/internal/testenv"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
)

// Options are what a run follows from.
type Options struct {
	Seconds  int
	Seed     uint64
	Nodes    int
	Users    int
	Rate     int           // sends a second that are tried for
	Churn    int           // joins, departures and the like a second
	Patience time.Duration // how long after the last fault everybody may take to have everything; 30 s when 0
	Tags     string        // of the build
	Environ  []string      // of the nodes: FAILPOINTS, DEFECTS
	Faults   string        // the only ones, by a part of their names; "" is all, "none" is none
	Dir      string        // where logs and histories are left; "" is none
}

// town is everything that runs.
type town struct {
	t       testing.TB
	options Options
	random  *rand.Rand
	start   time.Time

	mariadb *testenv.MariaDBServer
	redis   *testenv.RedisServer
	broker  *testenv.MosquittoServer
	db      *sql.DB // the run's own look
	dbName  string
	look    *redis.Client
	nodes   []*node

	databaseDisk, redisDisk string
	ownDisks                bool // this user may mount some, so they can be filled

	restore func() // puts the Redis back to its last snapshot

	people   []*person
	rooms    *rooms
	history  *history
	devices  []*device
	browsers []*device
	weather  weather
	done     map[string]int // faults, by name
	tally    tally
}

// the account that nodes have: unlike the administrator's, a read-only database refuses it.
const dbUser, dbPassword = "node", "canary-database-password"

func newTown(t testing.TB, o Options) *town {
	t.Helper()
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	w := &town{t: t, options: o, random: rand.New(rand.NewPCG(o.Seed, 0)), start: time.Now(), history: newHistory(o.Dir)}
	w.databaseDisk, w.ownDisks = mountDisk(t)
	w.redisDisk, _ = mountDisk(t)
	w.mariadb = testenv.NewMariaDBIn(t, w.databaseDisk)
	w.redis = testenv.RedisIn(t, w.redisDisk)
	w.broker = testenv.Mosquitto(t)
	w.openDatabase()
	w.look = redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", w.redis.Port), MaxRetries: -1})
	t.Cleanup(func() { _ = w.look.Close() })
	binary := build(t, o.Tags)
	for i := range o.Nodes {
		w.nodes = append(w.nodes, w.newNode(fmt.Sprintf("n%d", i+1), binary))
	}
	w.nodes[0].run(t) // alone at first: it makes the tables
	w.mustBeReady(w.nodes[:1], 60*time.Second)
	for _, n := range w.nodes[1:] {
		n.run(t)
	}
	w.mustBeReady(w.nodes, 60*time.Second)
	return w
}

func (w *town) openDatabase() {
	w.t.Helper()
	url := w.mariadb.Database(w.t)
	w.dbName = url[strings.LastIndexByte(url, '/')+1:]
	for _, q := range []string{
		fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY '%s'", dbUser, dbPassword),
		fmt.Sprintf("GRANT ALL ON %s.* TO %s@'%%'", w.dbName, dbUser),
	} {
		if err := w.mariadb.Exec(q); err != nil {
			w.t.Fatal(err)
		}
	}
	_ = mysql.SetLogger(&mysql.NopLogger{}) // it is ended again and again
	var err error
	w.db, err = sql.Open("mysql", fmt.Sprintf("doran:doran@tcp(127.0.0.1:%d)/%s?parseTime=true", w.mariadb.Port(), w.dbName))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.db.Close() })
}

func (w *town) newNode(name, binary string) *node {
	t := w.t
	local := func() string { return fmt.Sprintf("127.0.0.1:%d", testenv.Port(t)) }
	n := &node{name: name, binary: binary, adminAddr: local(), logFile: filepath.Join(w.dir(), name+".log")}
	_ = os.Remove(n.logFile)
	http := local()
	n.front = newLink(t, "clients-"+name, local(), http)
	n.toDB = newLink(t, name+"-database", local(), fmt.Sprintf("127.0.0.1:%d", w.mariadb.Port()))
	n.toRedis = newLink(t, name+"-redis", local(), fmt.Sprintf("127.0.0.1:%d", w.redis.Port))
	broker := strings.TrimPrefix(w.broker.URL, "mqtt://admin:password@")
	n.toBroker = newLink(t, name+"-broker", local(), broker)
	n.environ = append(os.Environ(),
		"DORAN_HTTP_ADDR="+http, "DORAN_ADMIN_ADDR="+n.adminAddr,
		fmt.Sprintf("DORAN_DATABASE_URL=mysql://%s:%s@%s/%s", dbUser, dbPassword, n.toDB.addr, w.dbName),
		"DORAN_REDIS_URL=redis://"+n.toRedis.addr, "DORAN_MQTT_URL=mqtt://admin:password@"+n.toBroker.addr, "DORAN_MQTT_PUBLIC_URL=mqtt://"+broker,
		"DORAN_RATE_LIMITS=off", "DORAN_LOG_LEVEL=info")
	n.environ = append(n.environ, w.options.Environ...)
	return n
}

// dir is where the logs go.
func (w *town) dir() string {
	if w.options.Dir == "" {
		w.options.Dir = w.t.TempDir()
	}
	return w.options.Dir
}

func (w *town) mustBeReady(nodes []*node, limit time.Duration) {
	w.t.Helper()
	for _, n := range nodes {
		if err := waitFor(limit, n.name+" is ready", n.ready); err != nil {
			log, _ := os.ReadFile(n.logFile)
			w.t.Fatalf("%v\n%s", err, log[max(0, len(log)-3000):])
		}
	}
}

func (w *town) node() *node { return w.nodes[rand.IntN(len(w.nodes))] }
