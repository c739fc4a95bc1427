// Package pgcluster makes throw-away PostgreSQL clusters: a data folder under
// the system's temporary folder, a server on a UNIX socket, no TCP port, and an
// ordinary account to run it. A cluster goes away with the process that made
// it, however that process ends.
//
// It starts and stops servers and nothing more; package pgtest hands out
// databases to tests.
package pgcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Env names the variable that tells tests the URL of their run's cluster.
const Env = "COGNATE_TEST_POSTGRES"

const (
	role     = "cognate"
	database = "cognate_test"
)

// settings are sized for many small databases side by side on a small machine.
var settings = []string{
	"listen_addresses=''",
	"max_connections=200",
	"shared_buffers=64MB",
	"wal_level=minimal",
	"max_wal_senders=0",
	"max_wal_size=512MB",
	"jit=off",
	"logging_collector=off",
	"log_min_messages=warning",
}

// Durability says what the server does at a commit.
type Durability int

const (
	// Durable waits for the disk, as in production: for crash tests and for
	// measuring.
	Durable Durability = iota
	// Volatile leaves writing to the operating system, which makes a new
	// database several times cheaper. Only for clusters that nobody crashes.
	Volatile
	// Replicated is Durable, and standbys can follow the server.
	Replicated
)

// Cluster is one server with a data folder of its own.
type Cluster struct {
	// URL connects to the database cognate_test as a superuser.
	URL string

	dir    string
	bin    string
	as     account
	keeper *keeper
}

// New makes a cluster and starts its server.
func New(ctx context.Context, d Durability) (*Cluster, error) {
	bin, err := binDir()
	if err != nil {
		return nil, err
	}
	as, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(socketParent(), "cognate-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{URL: databaseURL(dir, database), dir: dir, bin: bin, as: as}
	if err := c.create(ctx, d); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) create(ctx context.Context, d Durability) error {
	if err := os.Chown(c.dir, c.as.uid, c.as.gid); err != nil {
		return err
	}
	k, err := startKeeper(c)
	if err != nil {
		return err
	}
	c.keeper = k
	err = c.run(ctx, "initdb", "--pgdata="+c.data(), "--username="+role, "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	if err := c.configure(d); err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	return c.run(ctx, "createdb", "--host="+c.dir, "--username="+role, database)
}

func (c *Cluster) configure(d Durability) error {
	lines := slices.Concat(settings, []string{"unix_socket_directories='" + c.dir + "'"})
	switch d {
	case Volatile:
		lines = append(lines, "fsync=off", "full_page_writes=off", "synchronous_commit=off")
	case Replicated:
		lines = append(lines, "wal_level=replica", "max_wal_senders=4")
	}
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, strings.Join(lines, "\n")+"\n")
	return errors.Join(err, f.Close())
}

func databaseURL(socketDir, name string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(role), Path: "/" + name,
		RawQuery: url.Values{"host": {socketDir}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// Start starts the server and returns when it takes connections; after Kill it
// recovers from its log first.
func (c *Cluster) Start(ctx context.Context) error {
	logFile := filepath.Join(c.dir, "log")
	err := c.run(ctx, "pg_ctl", "--pgdata="+c.data(), "--log="+logFile, "--wait", "--timeout=600", "--silent", "start")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tail(logFile))
	}
	return nil
}

// Stop shuts the server down as an operator would: sessions are cut off, what
// was committed is kept.
func (c *Cluster) Stop(ctx context.Context) error {
	return c.run(ctx, "pg_ctl", "--pgdata="+c.data(), "--mode=fast", "--wait", "--silent", "stop")
}

// Kill ends every process of the server with SIGKILL, as a crash would.
func (c *Cluster) Kill() error {
	pid, err := c.postmaster()
	if err != nil {
		return err
	}
	// The postmaster stops first: it would start others in the place of those that are killed.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	killed := append(childrenOf(pid), pid)
	for _, p := range killed {
		// One that has ended by itself meanwhile is as good as killed.
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process %d of the server: %w", p, err)
		}
	}
	for _, p := range killed {
		if err := waitEnded(p); err != nil {
			return err
		}
	}
	// A power cut leaves the lock files, too, but the process ids in them mean
	// nothing after that. Here they may, where nobody reaps orphans.
	return errors.Join(
		os.Remove(filepath.Join(c.data(), "postmaster.pid")),
		os.Remove(filepath.Join(c.dir, ".s.PGSQL.5432.lock")),
	)
}

// Freeze stops every process of the server where it is, as a hung machine does: connections stay open, and new ones are
// taken by the kernel, but nothing is answered.
func (c *Cluster) Freeze() error { return c.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (c *Cluster) Thaw() error { return c.signal(syscall.SIGCONT) }

func (c *Cluster) signal(sig syscall.Signal) error {
	pid, err := c.postmaster()
	if err != nil {
		return err
	}
	// The postmaster first: it makes the others.
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("signal %v to the server: %w", sig, err)
	}
	for _, p := range childrenOf(pid) {
		if err := syscall.Kill(p, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal %v to process %d of the server: %w", sig, p, err)
		}
	}
	return nil
}

// Close stops the server if it runs and removes the cluster.
func (c *Cluster) Close() error {
	if c.keeper == nil {
		return os.RemoveAll(c.dir)
	}
	return c.keeper.end()
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) run(ctx context.Context, program string, args ...string) error {
	out, err := c.command(ctx, filepath.Join(c.bin, program), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}

// command prepares a program to run as the cluster's account, out of reach of
// a terminal's Ctrl-C, which is for the tests and not for the server.
func (c *Cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as.credential, Setsid: true}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	return cmd
}

func tail(file string) string {
	const most = 4096
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-most):])
}

func (c *Cluster) postmaster() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("the server does not run: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}

// socketParent is a folder for clusters. A UNIX socket's path has at most 107
// bytes, and some temporary folders are longer than that by themselves.
func socketParent() string {
	const longest = 60
	if dir := os.TempDir(); len(dir) <= longest {
		return dir
	}
	return "/tmp"
}
