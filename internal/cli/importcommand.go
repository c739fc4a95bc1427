package cli

import (
	"context"
	"fmt"

	"cognate/internal/server"
)

type importCommand struct {
	Log importLogCommand `cmd:"" help:"Print the result of each line of an import's file."`
}

type importLogCommand struct {
	Pool string `required:"" placeholder:"ID" help:"The user pool."`
	Job  string `arg:"" help:"The job's id, import-…"`
}

// Run prints the log.
func (k importLogCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	in := server.ControlRequest{Do: server.ReadImportLog, ID: k.Pool, Name: k.Job}
	for done := false; !done; {
		out, err := control(ctx, c, in)
		if err != nil {
			return err
		}
		for _, line := range out.Lines {
			fmt.Fprintln(p.Stdout, line)
		}
		in.After, done = out.Next, out.Next == 0
	}
	return nil
}
