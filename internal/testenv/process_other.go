//go:build !linux

package testenv

import "os/exec"

// setDeathSignal does nothing: only Linux ends a child with its parent.
func setDeathSignal(*exec.Cmd) {}
