// Package commands runs the commands of the program in the process of a test. It
// may import package cli and nothing else of the project.
package commands

import (
	"bytes"
	"context"
	"strings"

	"cognate/internal/cli"
)

// Run runs one command with env as its whole environment. It returns the exit
// code and what the command wrote.
func Run(ctx context.Context, env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	var environ []string
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	code = cli.Main(ctx, cli.Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }, Environ: environ,
	})
	return code, out.String(), errs.String()
}
