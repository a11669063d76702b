//go:build !linux

package faults

import (
	"errors"
	"os/exec"
	"testing"
)

func mountDisk(t testing.TB) (dir string, ok bool) { return t.TempDir(), false }

func fillDisk(string) error { return errors.ErrUnsupported }

func growDisk(string) error { return errors.ErrUnsupported }

const canLimitFiles = false

func (w *town) fewFiles() func() { return nil }

func endWithUs(*exec.Cmd) {}
