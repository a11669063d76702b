package testenv

import (
	"os/exec"
	"syscall"
)

// setDeathSignal makes the program die with the test process, however that ends.
func setDeathSignal(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
