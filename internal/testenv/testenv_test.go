package testenv

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv("DORAN_TESTENV_CHILD") != "" {
		m.Run()
		os.Exit(0) // without the cleaning up of Main, as one that is killed
	}
	Main(m)
}

// The child is a test process of its own; what it has started must not outlive it.
func TestServersDieWithTheTestProcess(t *testing.T) {
	if os.Getenv("DORAN_TESTENV_CHILD") != "" {
		MariaDB(t)
		fmt.Printf("pid=%d\n", sharedMariaDB.server.process.cmd.Process.Pid)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	child := exec.Command(os.Args[0], "-test.run=^TestServersDieWithTheTestProcess$")
	child.Env = append(os.Environ(), "DORAN_TESTENV_CHILD=1")
	out, _ := child.CombinedOutput()
	_, after, _ := bytes.Cut(out, []byte("pid="))
	pid, err := strconv.Atoi(strings.TrimSpace(string(after)))
	if err != nil {
		t.Fatalf("the child said: %s", out)
	}
	for deadline := time.Now().Add(10 * time.Second); running(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("mariadbd %d outlived its test process", pid)
		}
	}
	files := filepath.Join(os.TempDir(), dirPrefix+strconv.Itoa(child.Process.Pid))
	if _, err := os.Stat(files); err != nil {
		t.Fatalf("the killed process left no files, which the sweep is for: %v", err)
	}
	sweepDeadProcesses()
	if _, err := os.Stat(files); err == nil {
		t.Errorf("%s is still there", files)
	}
}

// running is false for a zombie too, which nobody may be there to collect in a container.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func TestDatabasesAreApart(t *testing.T) {
	first, second := MariaDB(t), MariaDB(t)
	if first == second {
		t.Fatalf("twice the same database, %s", first)
	}
	dsn := strings.NewReplacer("mysql://", "", "@", "@tcp(", "/test", ")/test").Replace(first)
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var tables int
	if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

// The configuration for operators is taken without a word of complaint. The log of a private server holds no other test's.
func TestDatabaseConfiguration(t *testing.T) {
	t.Parallel()
	server := NewMariaDB(t, "--log-bin=binlog")
	for name, want := range map[string]string{"innodb_flush_log_at_trx_commit": "1", "sync_binlog": "1", "binlog_format": "ROW", "collation_server": "utf8mb4_bin"} {
		var got string
		if err := server.admin.QueryRow("SELECT @@GLOBAL." + name).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, want %q (%v)", name, got, want, err)
		}
	}
	log, err := os.ReadFile(server.process.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "[ERROR]") || strings.Contains(line, "unknown") || strings.Contains(line, "eprecated") {
			t.Errorf("mariadbd: %s", line)
		}
	}
}

func TestRedisKeepsItsDataOverAKill(t *testing.T) {
	t.Parallel()
	server := Redis(t)
	if got := server.command(t, "SET a b"); got != "+OK" {
		t.Fatalf("SET: %q", got)
	}
	if got := server.command(t, "CONFIG GET maxmemory-policy"); !strings.Contains(got, "noeviction") {
		t.Errorf("maxmemory-policy: %q", got)
	}
	if got := server.command(t, "CONFIG GET stream-node-max-bytes"); !strings.Contains(got, "512") {
		t.Errorf("stream-node-max-bytes: %q", got)
	}
	server.Kill()
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.Port)); err == nil {
		t.Error("a killed server takes connections")
	}
	server.Restart()
	if got := server.command(t, "GET a"); !strings.HasSuffix(got, "b") {
		t.Errorf("GET: %q", got)
	}
}

func TestRedisThatIsStoppedDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server := Redis(t)
	server.Stop()
	if got := server.command(t, "PING"); got != "" {
		t.Errorf("PING: %q", got)
	}
	server.Cont()
	if got := server.command(t, "PING"); got != "+PONG" {
		t.Errorf("PING: %q", got)
	}
}

// command says what is answered within 200 ms.
func (s *RedisServer) command(t *testing.T, line string) string {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "%s\r\n", line)
	_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	answer := make([]byte, 1024)
	n, _ := conn.Read(answer)
	return strings.TrimSpace(string(answer[:n]))
}

// Only admin is known, and the plugin answers to it.
func TestMosquitto(t *testing.T) {
	t.Parallel()
	server := Mosquitto(t)
	_, port, _ := net.SplitHostPort(server.addr)
	list := func(password string) string {
		out, _ := exec.Command(program(t, mosquittoPackages, "mosquitto_ctrl"), "-h", "127.0.0.1", "-p", port,
			"-u", "admin", "-P", password, "dynsec", "listClients").CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	if got := list("password"); !strings.HasSuffix(got, "\nadmin") {
		t.Errorf("clients: %q", got)
	}
	if got := list("wrong"); !strings.Contains(got, "Not authorized") {
		t.Errorf("with a wrong password: %q", got)
	}
	// As the health check of docker-compose.yml asks, without a client id.
	if out, err := exec.Command(program(t, mosquittoPackages, "mosquitto_sub"), "-h", "127.0.0.1", "-p", port,
		"-u", "admin", "-P", "password", "-t", "$SYS/broker/uptime", "-E", "-W", "3").CombinedOutput(); err != nil {
		t.Errorf("the health check: %v: %s", err, out)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(server.WSURL, "ws://")); err != nil {
		t.Errorf("the WebSocket listener: %v", err)
	} else {
		_ = conn.Close()
	}
	server.Kill()
	server.Restart()
	if got := list("password"); !strings.HasSuffix(got, "\nadmin") {
		t.Errorf("clients after a restart: %q", got)
	}
}
