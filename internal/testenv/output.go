package testenv

import (
	"bytes"
	"sync"
)

// Output is what something under test writes: a log, or what a process prints. It may be read while it is written.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// Write appends; it never fails.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
