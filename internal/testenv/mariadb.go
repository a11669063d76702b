package testenv

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
)

const mariadbPackage = "mariadb-server (or mysql-server)"

// MariaDBServer is one running mariadbd or mysqld.
type MariaDBServer struct {
	process *process
	run     func() (*process, error)
	admin   *sql.DB
	port    int
	count   atomic.Int64
}

// The one server that the tests of a process share.
var sharedMariaDB lazyMariaDB

type lazyMariaDB struct {
	mu     sync.Mutex
	server *MariaDBServer
}

// MariaDB is the URL of an empty database on a server that this test process shares.
func MariaDB(t testing.TB) string {
	t.Helper()
	return sharedMariaDB.get(t).Database(t)
}

// NewMariaDB starts a server for this test alone, which it may stop and kill. Its settings come after the usual ones.
func NewMariaDB(t testing.TB, settings ...string) *MariaDBServer {
	t.Helper()
	return NewMariaDBIn(t, t.TempDir(), settings...)
}

// NewMariaDBIn is NewMariaDB with its files in this folder.
func NewMariaDBIn(t testing.TB, dir string, settings ...string) *MariaDBServer {
	t.Helper()
	server, err := startMariaDB(t, dir, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.admin.Close()
		server.Kill()
	})
	return server
}

// Database is the URL of a new, empty database, which is dropped when the test ends.
func (s *MariaDBServer) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.count.Add(1))
	if _, err := s.admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("creating a database: %v", err)
	}
	t.Cleanup(func() { _, _ = s.admin.Exec("DROP DATABASE " + name) })
	return fmt.Sprintf("mysql://doran:doran@127.0.0.1:%d/%s", s.port, name)
}

// Kill ends the server at once, as a power cut would but for what the disk had not taken.
func (s *MariaDBServer) Kill() { s.process.kill() }

// Restart starts the server again after Kill, on the same port and files. It may be called from any goroutine, but not beside Kill.
func (s *MariaDBServer) Restart() error {
	p, err := s.run()
	if err == nil {
		s.process = p
	}
	return err
}

// Port is where it listens.
func (s *MariaDBServer) Port() int { return s.port }

// Exec runs a statement as an administrator.
func (s *MariaDBServer) Exec(statement string) error {
	_, err := s.admin.Exec(statement)
	return err
}

func (l *lazyMariaDB) get(t testing.TB) *MariaDBServer {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		server, err := startMariaDB(t, filepath.Join(processDir(), "mariadb"), nil)
		if err != nil {
			t.Fatal(err)
		}
		l.server = server
	}
	return l.server
}

func (l *lazyMariaDB) stop() {
	if l.server != nil {
		l.server.Kill()
	}
}

func startMariaDB(t testing.TB, dir string, settings []string) (*MariaDBServer, error) {
	t.Helper()
	mysqld := program(t, mariadbPackage, "mariadbd", "mysqld")
	template, err := mariadbTemplate(t, mysqld)
	if err != nil {
		return nil, err
	}
	data, initFile := filepath.Join(dir, "data"), filepath.Join(dir, "init.sql")
	if err := os.CopyFS(data, os.DirFS(template)); err != nil {
		return nil, err
	}
	const init = "CREATE USER IF NOT EXISTS doran@'%' IDENTIFIED BY 'doran';\nGRANT ALL ON *.* TO doran@'%' WITH GRANT OPTION;\n"
	if err := os.WriteFile(initFile, []byte(init), 0o600); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("mysql", fmt.Sprintf("doran:doran@tcp(127.0.0.1:%d)/", port))
	if err != nil {
		return nil, err
	}
	args := append([]string{"--defaults-file=" + deployFile(t, "mysql.cnf"), "--datadir=" + data, "--socket=mysql.sock",
		"--pid-file=" + filepath.Join(dir, "pid"), "--init-file=" + initFile, "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port),
		"--skip-networking=0", "--skip-log-bin", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M"}, asRoot()...)
	s := &MariaDBServer{admin: admin, port: port}
	s.run = func() (*process, error) {
		return start(filepath.Join(dir, "log"), admin.Ping, mysqld, append(args, settings...)...)
	}
	return s, s.Restart()
}

// asRoot is what mysqld wants to hear before it runs as root, as it does in containers.
func asRoot() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

// mariadbTemplate is a data directory as the installation makes it. It is made once for each version of the server, and copied.
func mariadbTemplate(t testing.TB, mysqld string) (string, error) {
	t.Helper()
	version, err := exec.Command(mysqld, "--no-defaults", "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w\n%s", mysqld, err, version)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(version)
	template := filepath.Join(cache, "doran-test", "mysql-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(template); err == nil {
		return template, nil
	}
	return template, makeTemplate(t, template, mysqld, strings.Contains(string(version), "MariaDB"))
}

func makeTemplate(t testing.TB, template, mysqld string, mariadb bool) error {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(template), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(template), "new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{mysqld, "--no-defaults", "--initialize-insecure", "--datadir=" + dir}
	if mariadb {
		install := program(t, mariadbPackage, "mariadb-install-db", "mysql_install_db")
		args = []string{install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--datadir=" + dir}
	}
	args = append(args, asRoot()...)
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", args[0], err, out)
	}
	if err := os.Rename(dir, template); err != nil {
		if _, there := os.Stat(template); there != nil { // another test process was not first
			return err
		}
	}
	return nil
}

// Stop freezes the server: connections stay open, and nothing answers.
func (s *MariaDBServer) Stop() { s.process.freeze() }

// Cont lets a frozen server go on.
func (s *MariaDBServer) Cont() { s.process.thaw() }
