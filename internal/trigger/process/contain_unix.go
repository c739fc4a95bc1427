//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// contain puts a process into a group of its own. When the server is killed the
// runtimes notice that its listener is gone, and end.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
