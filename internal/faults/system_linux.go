package faults

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const diskSize = 2 << 30 // bytes, of which only what is used takes memory

// mountDisk mounts a disk in memory; without the right to, it gives a folder of the disk that there is, and false.
func mountDisk(t testing.TB) (dir string, ok bool) {
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		return dir, false
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, true
}

// fillDisk makes a disk of mountDisk as small as what is on it.
func fillDisk(dir string) (err error) {
	for range 1000 { // it is refused when more was written meanwhile
		var now unix.Statfs_t
		if err = unix.Statfs(dir, &now); err != nil {
			return err
		}
		if err = resizeDisk(dir, int64(now.Blocks-now.Bfree)*now.Bsize); err == nil {
			return nil
		}
	}
	return err
}

// growDisk undoes fillDisk.
func growDisk(dir string) error { return resizeDisk(dir, diskSize) }

func resizeDisk(dir string, bytes int64) error {
	return unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", bytes))
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
