package faults

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// node is one server of Doran: a process that is started again whenever it ends, as an init system does.
type node struct {
	name      string
	binary    string
	environ   []string
	logFile   string
	front     *link // from clients
	toDB      *link
	toRedis   *link
	toBroker  *link
	adminAddr string

	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   bool // for good
	exits   int  // that nobody asked for
	starts  int
	expects bool // an exit is asked for
	idle    chan struct{}
}

func (n *node) url() string { return "http://" + n.front.addr }

// run starts the process and keeps it running.
func (n *node) run(t testing.TB) {
	n.idle = make(chan struct{})
	go func() {
		defer close(n.idle)
		runtime.LockOSThread() // as endWithUs wants it
		for !n.isEnded() {
			n.once()
			time.Sleep(50 * time.Millisecond)
		}
	}()
	t.Cleanup(n.end)
}

func (n *node) isEnded() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ended
}

func (n *node) once() {
	log, err := os.OpenFile(n.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(n.binary, "serve")
	cmd.Env = n.environ
	cmd.Stdout, cmd.Stderr = log, log
	endWithUs(cmd)
	n.mu.Lock()
	if n.ended {
		n.mu.Unlock()
		return
	}
	err = cmd.Start()
	n.cmd, n.expects = cmd, false
	n.starts++
	n.mu.Unlock()
	if err != nil {
		return
	}
	_ = cmd.Wait()
	n.mu.Lock()
	n.cmd = nil
	if !n.expects {
		n.exits++
	}
	n.mu.Unlock()
}

// signal sends one; after a deadly one the process is started again.
func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		n.expects = true
	}
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(s)
	}
}

func (n *node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

// end ends it for good.
func (n *node) end() {
	n.mu.Lock()
	n.ended = true
	n.mu.Unlock()
	n.signal(syscall.SIGKILL)
	<-n.idle
}

// ready says whether it answers and has its database.
func (n *node) ready() bool {
	c := http.Client{Timeout: 3 * time.Second}
	res, err := c.Get("http://" + n.adminAddr + "/readyz?all")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// gauges are what the node says of itself.
func (n *node) gauges(names ...string) (map[string]float64, error) {
	res, err := http.Get("http://" + n.adminAddr + "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	out := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		for _, name := range names {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				out[name], _ = strconv.ParseFloat(strings.TrimSpace(value), 64)
			}
		}
	}
	return out, err
}

var built struct {
	sync.Mutex
	by map[string]string
}

// build makes the program as it is here, with build tags, once for each test process.
func build(t testing.TB, tags string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if binary := built.by[tags]; binary != "" {
		return binary
	}
	dir, err := os.MkdirTemp("", "doran-faults-")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "doran")
	if out, err := exec.Command("go", "build", "-tags", tags, "-o", binary, "doran/cmd/doran").CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	if built.by == nil {
		built.by = map[string]string{}
	}
	built.by[tags] = binary
	return binary
}

// removeBuilt is for the end of the test process.
func removeBuilt() {
	for _, binary := range built.by {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
}

func waitFor(limit time.Duration, what string, done func() bool) error {
	for deadline := time.Now().Add(limit); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v", what, limit)
		}
	}
	return nil
}
