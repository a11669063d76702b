package faults

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// mountDisk mounts a small disk in memory.
func (w *town) mountDisk() error {
	dir := w.t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1g"); err != nil {
		return err
	}
	w.disk = dir
	w.t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return nil
}

const canLimitFiles = true

// fewFiles leaves a node no file to open beyond those that it has.
func (w *town) fewFiles() func() {
	n := w.node()
	pid := n.pid()
	var before unix.Rlimit
	if pid == 0 || unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before) != nil {
		return nil
	}
	_ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 12, Max: before.Max}, nil)
	return func() { _ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil) }
}

// endWithUs has a process end with this one, however that ends. The thread that starts it must last as long.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
