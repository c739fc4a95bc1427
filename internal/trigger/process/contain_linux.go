package process

import (
	"os/exec"
	"syscall"
)

// contain puts a process into a group of its own, and has the kernel kill it
// when the server dies, however it does (prctl(2), PR_SET_PDEATHSIG).
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
