package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// process is one running server.
type process struct {
	cmd  *exec.Cmd
	log  string        // file that it writes to
	done chan struct{} // closed when it has ended
}

// startTimeout is long, as the machine may be busy with other packages' tests.
const startTimeout = 60 * time.Second

// start runs a program until it is ready, and fails when it ends before.
func start(log string, ready func() error, path string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	setDeathSignal(cmd)
	if err := onLastingThread(cmd.Start); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	if err := p.wait(ready); err != nil {
		p.kill()
		text, _ := os.ReadFile(log)
		return nil, fmt.Errorf("%s: %w\n%s", path, err, text[max(0, len(text)-2000):])
	}
	return p, nil
}

func (p *process) wait(ready func() error) error {
	deadline := time.After(startTimeout)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("it ended while starting")
		case <-deadline:
			return fmt.Errorf("it is not ready after %v: %w", startTimeout, err)
		case <-tick.C:
		}
	}
}

// kill ends the process at once, as a power cut would, and waits until it has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// freeze stops every thread of the process, and returns when they have stopped: on a busy machine that takes a while.
func (p *process) freeze() {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	threads := fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid) // none where there is no /proc
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stats, _ := filepath.Glob(threads)
		if !slices.ContainsFunc(stats, threadRuns) {
			return
		}
	}
}

func threadRuns(statFile string) bool {
	stat, err := os.ReadFile(statFile)
	return err == nil && !bytes.Contains(stat, []byte(") T ")) // proc_pid_stat(5): T is stopped
}

// thaw lets a frozen process go on.
func (p *process) thaw() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

var (
	lasting     = make(chan func())
	lastingOnce sync.Once
)

// onLastingThread runs f on a thread that lives as long as the process: a child with a death signal dies with the thread that
// started it (prctl(2), PR_SET_PDEATHSIG), and Go ends idle threads.
func onLastingThread(f func() error) error {
	lastingOnce.Do(func() {
		go func() {
			runtime.LockOSThread()
			for f := range lasting {
				f()
			}
		}()
	})
	done := make(chan error, 1)
	lasting <- func() { done <- f() }
	return <-done
}
