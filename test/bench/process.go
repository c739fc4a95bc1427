package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cognate/test/bench/floor"
)

// process is a child whose CPU time is watched.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string // where it listens, for those that do
}

// start runs a program with its own pipes; its complaints go to log.
func start(ctx context.Context, log io.Writer, env []string, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

var listening = regexp.MustCompile(`listening on http://(\S+)`)

// awaitAddress reads the child's output up to the line that says where it listens.
func (p *process) awaitAddress() error {
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			return errors.Join(errors.New("the server ended before it listened"), err, p.stop())
		}
		if m := listening.FindStringSubmatch(line); m != nil {
			p.addr = m[1]
			go func() { _, _ = io.Copy(io.Discard, p.out) }()
			return nil
		}
	}
}

// stop ends the child as an operator would.
func (p *process) stop() error {
	_ = p.in.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
		return nil // by our signal
	}
	return err
}

// cpu is the CPU time that the child has used.
func (p *process) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }

// cpuOf sums what the scheduler has charged to a process's threads, in
// nanoseconds; /proc/PID/stat has ticks of 10 ms only.
func cpuOf(pid int) (total time.Duration) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		total += time.Duration(ns)
	}
	return total
}

// resident is the memory that the child holds, in bytes.
func (p *process) resident() int64 { return p.memory("VmRSS:") }

// peak is the most memory that the child has held since forgetPeak, in bytes.
func (p *process) peak() int64 { return p.memory("VmHWM:") }

// forgetPeak lets the peak begin at the memory that the child holds now.
func (p *process) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

func (p *process) memory(name string) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// family is the CPU time of a process's children by id: PostgreSQL's backends.
func family(parent int) map[int]time.Duration {
	all := map[int]time.Duration{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// The command's name, in parentheses, may hold spaces.
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil {
			all[pid] = cpuOf(pid)
		}
	}
	return all
}

// since sums what children have used after an earlier look at them.
func since(before, after map[int]time.Duration) (sum time.Duration) {
	for pid, t := range after {
		sum += t - before[pid]
	}
	return sum
}

// floorProcess starts a floor.
func floorProcess(ctx context.Context, log io.Writer, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, log, nil, self, append([]string{floor.Command}, args...)...)
	if err != nil {
		return nil, err
	}
	if floor.Serves(args[0]) {
		return p, p.awaitAddress()
	}
	line, err := p.out.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		return nil, errors.Join(fmt.Errorf("floor %s does not start", args[0]), err, p.stop())
	}
	return p, nil
}

// do lets a floor work n times and returns the CPU time of one run.
func (p *process) do(n, goroutines int) (time.Duration, error) {
	before := p.cpu()
	if _, err := fmt.Fprintln(p.in, n, goroutines); err != nil {
		return 0, err
	}
	if line, err := p.out.ReadString('\n'); err != nil || strings.TrimSpace(line) != "done" {
		return 0, errors.Join(errors.New("a floor has ended"), err)
	}
	return (p.cpu() - before) / time.Duration(n), nil
}
