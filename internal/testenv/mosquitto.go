package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// MosquittoServer is a mosquitto with the dynamic security plugin and deploy/mosquitto that belongs to one test. Its methods are
// for the test's goroutine.
type MosquittoServer struct {
	URL   string // mqtt://admin:password@127.0.0.1:port, as DORAN_MQTT_URL takes it
	WSURL string // ws://127.0.0.1:port, for devices

	t       testing.TB
	path    string
	dir     string
	addr    string
	process *process
}

const mosquittoPackages = "mosquitto and mosquitto-clients"

// Mosquitto starts a broker that knows nobody but admin.
func Mosquitto(t testing.TB) *MosquittoServer {
	t.Helper()
	dir := t.TempDir()
	port, wsPort := mustFreePort(t), mustFreePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	s := &MosquittoServer{t: t, dir: dir, addr: addr, path: program(t, mosquittoPackages, "mosquitto"),
		URL: "mqtt://admin:password@" + addr, WSURL: fmt.Sprintf("ws://127.0.0.1:%d", wsPort)}

	ctrl := program(t, mosquittoPackages, "mosquitto_ctrl")
	if out, err := exec.Command(ctrl, "dynsec", "init", s.SecurityFile(), "admin", "password").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_ctrl dynsec init: %v\n%s", err, out)
	}
	text, err := os.ReadFile(deployFile(t, "mosquitto/mosquitto.conf"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer(
		"listener 1883", fmt.Sprintf("listener %d 127.0.0.1", port),
		"listener 9001", fmt.Sprintf("listener %d 127.0.0.1", wsPort),
		"/usr/lib/mosquitto_dynamic_security.so", dynamicSecurityPlugin(t),
		"/mosquitto/data/", dir+"/",
	).Replace(string(text))
	if os.Getuid() == 0 {
		config += "\nuser root\n" // or it would give up the right to its files
	}
	if err := os.WriteFile(filepath.Join(dir, "mosquitto.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// SecurityFile is what the dynamic security plugin knows; it reads it when the broker starts.
func (s *MosquittoServer) SecurityFile() string { return filepath.Join(s.dir, "dynamic-security.json") }

// Kill ends the broker at once; what it had not saved is lost.
func (s *MosquittoServer) Kill() { s.process.kill() }

// Stop freezes the broker: connections stay open, and nothing answers.
func (s *MosquittoServer) Stop() { s.process.freeze() }

// Cont lets a frozen broker go on.
func (s *MosquittoServer) Cont() { s.process.thaw() }

// Restart starts the broker again after Kill, on the same ports and files.
func (s *MosquittoServer) Restart() {
	s.t.Helper()
	p, err := start(filepath.Join(s.dir, "log"), s.ready, s.path, "-c", filepath.Join(s.dir, "mosquitto.conf"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.process = p
}

func (s *MosquittoServer) ready() error {
	conn, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dynamicSecurityPlugin is where the distribution put it.
func dynamicSecurityPlugin(t testing.TB) string {
	t.Helper()
	const name = "mosquitto_dynamic_security.so"
	for _, pattern := range []string{"/usr/lib/*/", "/usr/lib/", "/usr/lib64/", "/usr/local/lib/", "/opt/homebrew/lib/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatalf("%s is not installed: run `make deps`, or install %s", name, mosquittoPackages)
	return ""
}
