// Command withpostgres runs another command beside a throw-away PostgreSQL
// cluster, whose URL it passes in COGNATE_TEST_POSTGRES, and removes the
// cluster when the command has ended. Its exit status is the command's.
//
// With -volatile the server does not wait for the disk: quick, for tests that
// never crash it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"cognate/test/pgcluster"
)

func main() {
	volatile := flag.Bool("volatile", false, "do not wait for the disk at a commit")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: withpostgres [-volatile] COMMAND [ARGUMENT...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	durability := pgcluster.Durable
	if *volatile {
		durability = pgcluster.Volatile
	}
	status, err := run(durability, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(status)
}

func run(durability pgcluster.Durability, command []string) (status int, err error) {
	// Taken from the start: a signal must not end this process before it has
	// cleared up. Ctrl-C reaches the command by itself, as it is in the same
	// process group; a termination is for this process alone and is passed on.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	cluster, err := pgcluster.New(context.Background(), durability)
	if err != nil {
		return 1, err
	}
	defer func() {
		if cerr := cluster.Close(); cerr != nil {
			status, err = max(status, 1), errors.Join(err, cerr)
		}
	}()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), pgcluster.Env+"="+cluster.URL)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt {
				// It may have ended this very moment.
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			return exitStatus(err)
		}
	}
}

func exitStatus(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	default:
		return 1, err
	}
}
