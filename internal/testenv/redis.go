package testenv

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// RedisServer is a redis-server that belongs to one test. Its methods are for the test's goroutine.
type RedisServer struct {
	URL  string
	Port int

	t       testing.TB
	path    string
	dir     string
	process *process
}

// Redis starts an empty redis-server with deploy/redis.conf for this test.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return RedisIn(t, t.TempDir())
}

// RedisIn is Redis with its files in a new folder in this one.
func RedisIn(t testing.TB, dir string) *RedisServer {
	t.Helper()
	port := mustFreePort(t)
	s := &RedisServer{t: t, Port: port, URL: fmt.Sprintf("redis://127.0.0.1:%d", port), dir: filepath.Join(dir, "redis"),
		path: program(t, "redis-server", "redis-server")}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// Kill ends the server at once; its files stay.
func (s *RedisServer) Kill() { s.process.kill() }

// Stop freezes the server: connections stay open, and nothing answers.
func (s *RedisServer) Stop() { s.process.freeze() }

// Cont lets a frozen server go on.
func (s *RedisServer) Cont() { s.process.thaw() }

// Restart starts the server again after Kill, on the same port, with what its append-only file kept.
func (s *RedisServer) Restart() {
	s.t.Helper()
	p, err := start(filepath.Join(s.dir, "log"), s.ready, s.path, deployFile(s.t, "redis.conf"),
		"--bind", "127.0.0.1", "--port", fmt.Sprint(s.Port), "--dir", s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.process = p
}

// ready asks by PING, which is refused while the server reads its file.
func (s *RedisServer) ready() error {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return err
	}
	answer := make([]byte, 5)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "+PONG" {
		return fmt.Errorf("PING: %q, %v", answer, err)
	}
	return nil
}

// Backup copies the server's files as they are now; the function it gives kills the server and starts it again with them, as an
// operator who restores a backup does.
func (s *RedisServer) Backup() (restore func()) {
	s.t.Helper()
	saved := filepath.Join(s.t.TempDir(), "backup")
	if err := os.CopyFS(saved, os.DirFS(s.dir)); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		s.Kill()
		if err := os.RemoveAll(s.dir); err != nil {
			s.t.Fatal(err)
		}
		if err := os.CopyFS(s.dir, os.DirFS(saved)); err != nil {
			s.t.Fatal(err)
		}
		s.Restart()
	}
}
