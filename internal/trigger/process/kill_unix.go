//go:build unix

package process

import (
	"os"
	"syscall"
)

// killGroup kills a process and what it started.
func killGroup(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
