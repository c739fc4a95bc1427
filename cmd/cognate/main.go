// Command cognate is an identity server that speaks Amazon Cognito's protocol.
// Here are only the process's signals; package cli does the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"cognate/internal/cli"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	return cli.Main(ctx, cli.Process{
		Args: os.Args[1:], Env: os.LookupEnv, Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Hangup: hangup,
	})
}
