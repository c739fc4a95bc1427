package pgcluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cognate/test/patience"
)

// childrenOf lists the direct children of a process where the kernel tells
// (Linux); elsewhere the server's processes end when they miss the postmaster.
func childrenOf(pid int) []int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// waitEnded returns when a process that is not our child has ended. The kernel
// offers no way to be told, hence the ticking.
func waitEnded(pid int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience.Limit)
	for !ended(pid) {
		select {
		case <-tick.C:
		case <-late:
			return fmt.Errorf("process %d is still there after SIGKILL", pid)
		}
	}
	return nil
}

func ended(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// "pid (name) state …": Z is a dead process that its parent has not reaped.
	_, rest, found := bytes.Cut(stat, []byte(") "))
	return found && bytes.HasPrefix(rest, []byte("Z"))
}
