// Command bench measures what each operation costs the server and compares it
// with the least that it could cost, its floor, in the same run.
//
//	go run ./test/bench [-users N] [-rounds N] [-engines sqlite,postgres]
//
// The server is the built binary in a process of its own, asked by 32 clients
// over keep-alive connections. Each floor is measured the same way, in a child
// process of this program. Operation and floor take turns, so that whatever
// else the machine does meets both, and the median of the turns' ratios is
// reported. CPU time is what is compared: wall-clock rates on a shared machine
// say little. docs/performance.md tells what each line means.
//
// The program changes nothing outside of its temporary folder and of databases
// that it makes in the PostgreSQL cluster named by COGNATE_TEST_POSTGRES, and it
// ends with status 0 whether or not the targets are met.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"cognate/test/bench/floor"
	"cognate/test/pgcluster"
)

// options are the command's flags.
type options struct {
	users   int
	few     int
	rounds  int
	clients int
	seconds int
	rows    int
	samples int
	engines string
	only    string
	program string
	profile string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == floor.Command {
		if err := floor.Run(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.users, "users", 200_000, "users of the large pool")
	flag.IntVar(&o.few, "few", 1000, "users of the small pool")
	flag.IntVar(&o.rounds, "rounds", 11, "turns of operation and floor; their median counts")
	flag.IntVar(&o.clients, "clients", 32, "clients at once")
	flag.IntVar(&o.seconds, "seconds", 5, "length of each of the three open-loop runs")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of an import, which is measured by -only import alone")
	flag.IntVar(&o.samples, "samples", 10_000, "names that strangers ask about, half of them known")
	flag.StringVar(&o.engines, "engines", "sqlite,postgres", "engines to measure; postgres needs "+pgcluster.Env)
	flag.StringVar(&o.only, "only", "", "measure only operations whose name contains this")
	flag.StringVar(&o.program, "program", "", "measure this binary instead of building one")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of the server for each operation into this folder")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if errors.Is(err, errTimeTells) {
		os.Exit(1)
	}
}

// run measures everything and prints the table, also where a part failed.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "cognate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.program == "" {
		o.program = filepath.Join(dir, "cognate")
		fmt.Fprintln(progress, "building the server")
		if err := build(ctx, o.program); err != nil {
			return err
		}
	}
	b := &bench{options: o, dir: dir, progress: progress}
	defer func() { b.report.print(out) }()
	if o.only == importName {
		return b.imports(ctx)
	}
	if err := b.exponentiations(ctx); err != nil {
		return err
	}
	for name := range strings.SplitSeq(o.engines, ",") {
		e, err := b.engine(ctx, name)
		if err != nil {
			return err
		}
		if e == nil {
			continue
		}
		err = b.measureEngine(ctx, e)
		e.close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := b.measureTriggers(ctx); err != nil {
		return fmt.Errorf("triggers: %w", err)
	}
	if err := b.measureGateway(ctx); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if err := b.footprint(ctx); err != nil {
		return err
	}
	if b.told {
		return errTimeTells
	}
	return nil
}

// build makes the binary as `make build` does: static and stripped.
func build(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "cognate/cmd/cognate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
