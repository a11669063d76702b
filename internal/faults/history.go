package faults

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// history is what happened, the newest lines of it, and what was found to be wrong.
type history struct {
	mu         sync.Mutex
	start      time.Time
	lines      []string // a ring
	at         int
	violations []string
	file       *bufio.Writer
	alarm      func(string) // is told of each violation at once
}

const linesKept = 20000

func newHistory(dir string) *history {
	h := &history{start: time.Now(), lines: make([]string, 0, linesKept)}
	if dir != "" {
		_ = os.MkdirAll(dir, 0o755)
		if f, err := os.Create(filepath.Join(dir, "history.txt")); err == nil {
			h.file = bufio.NewWriterSize(f, 1<<20)
		}
	}
	return h
}

func (h *history) note(format string, args ...any) {
	line := fmt.Sprintf("%9.3f ", time.Since(h.start).Seconds()) + fmt.Sprintf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != nil {
		_, _ = h.file.WriteString(line + "\n")
	}
	if len(h.lines) < linesKept {
		h.lines = append(h.lines, line)
		return
	}
	h.lines[h.at] = line
	h.at = (h.at + 1) % linesKept
}

// violation says which promise is broken. Only the first ones are kept, with what the one who saw it has to tell.
func (h *history) violation(promise string, around []string, format string, args ...any) {
	what := promise + ": " + fmt.Sprintf(format, args...)
	h.note("!! %s", what)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.violations) < 20 {
		for _, line := range around {
			what += "\n      " + line
		}
		h.violations = append(h.violations, what)
		if h.alarm != nil {
			h.alarm(what)
		}
	}
}

func (h *history) found() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.violations...)
}

// recent are the newest lines, the oldest first.
func (h *history) recent(n int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := append(append([]string(nil), h.lines[h.at:]...), h.lines[:h.at]...)
	return all[max(0, len(all)-n):]
}

func (h *history) flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != nil {
		_ = h.file.Flush()
	}
}
