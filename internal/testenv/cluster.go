package testenv

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// RedisCluster starts three empty masters that share the slots, and gives the URL that names them all.
func RedisCluster(t testing.TB) string {
	t.Helper()
	var hosts []string
	for range 3 {
		port, dir := mustFreePort(t), t.TempDir()
		s := &RedisServer{t: t, Port: port, dir: dir, path: program(t, "redis-server", "redis-server")}
		p, err := start(filepath.Join(dir, "log"), s.ready, s.path, deployFile(t, "redis.conf"), "--bind", "127.0.0.1", "--port", fmt.Sprint(port),
			"--dir", dir, "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(mustFreePort(t)))
		if err != nil {
			t.Fatal(err)
		}
		s.process = p
		t.Cleanup(s.Kill)
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", port))
	}
	cli := program(t, "redis-tools", "redis-cli")
	if out, err := exec.Command(cli, append([]string{"--cluster", "create", "--cluster-yes"}, hosts...)...).CombinedOutput(); err != nil {
		t.Fatalf("making a cluster of %v: %v\n%s", hosts, err, out)
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		ok := 0
		for _, host := range hosts {
			out, _ := exec.Command(cli, "-u", "redis://"+host, "CLUSTER", "INFO").Output()
			if strings.Contains(string(out), "cluster_state:ok") {
				ok++
			}
		}
		if ok == len(hosts) {
			return "redis://" + strings.Join(hosts, ",")
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster of %v does not come up", hosts)
		}
	}
}
