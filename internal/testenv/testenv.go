// Package testenv gives tests real services: private servers, started from the programs that are installed, on free
// loopback ports, that end with the test process. A program that is missing fails the test and says what to install.
package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Main is for TestMain: it runs the tests (a [*testing.M], or one that cleans up behind itself), then ends what the test process
// shares and removes its files.
func Main(m interface{ Run() int }) {
	code := m.Run()
	sharedMariaDB.stop()
	_ = os.RemoveAll(processDir())
	os.Exit(code)
}

// program finds the first of these programs that is installed; sbin is looked at too, as it is not in everybody's PATH.
func program(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		for _, dir := range []string{"", "/usr/sbin/", "/usr/local/sbin/", "/usr/local/bin/", "/opt/homebrew/bin/"} {
			if path, err := exec.LookPath(dir + name); err == nil {
				return path
			}
		}
	}
	t.Fatalf("%s is not installed: run `make deps`, or install %s", names[0], install)
	return ""
}

const dirPrefix = "doran-test-"

// processDir holds the files that this test process shares. Those of test processes that were killed are removed on the way.
var processDir = sync.OnceValue(func() string {
	sweepDeadProcesses()
	dir := filepath.Join(os.TempDir(), dirPrefix+strconv.Itoa(os.Getpid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		panic(err)
	}
	return dir
})

func sweepDeadProcesses() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, dir := range dirs {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), dirPrefix))
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir)
		}
	}
}

// freePort is a loopback port that nobody listens on, below those that systems give to outgoing connections: one of them could
// take the port before the server does, or between a kill and a restart.
func freePort() (int, error) {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000)))
		if err == nil {
			return l.Addr().(*net.TCPAddr).Port, l.Close()
		}
	}
	return 0, errors.New("none of 100 ports is free")
}

// Port is a loopback port for a server that the test starts itself, and may start again.
func Port(t testing.TB) int {
	t.Helper()
	return mustFreePort(t)
}

func mustFreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
