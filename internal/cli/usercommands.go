package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"cognate/internal/server"
)

type userCommand struct {
	Erase  eraseUserCommand  `cmd:"" help:"Delete one user with everything that is held about the user, and say what was done. See docs/privacy.md."`
	Export exportUserCommand `cmd:"" help:"Write everything that is held about one user, as JSON. See docs/privacy.md."`
}

type exportUserCommand struct {
	Pool string `required:"" placeholder:"ID" help:"The user pool."`
	User string `required:"" placeholder:"NAME" help:"The user: a sign-in name or the sub."`
	Out  string `placeholder:"FILE" help:"Write to a new file that only its owner can read, instead of the standard output."`
}

// Run exports a user.
func (k exportUserCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	out, err := control(ctx, c, server.ControlRequest{Do: server.ExportUser, Pool: k.Pool, Name: k.User})
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, out.Person, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	if k.Out == "" {
		_, err := text.WriteTo(p.Stdout)
		return err
	}
	return writeNew(k.Out, text.Bytes())
}

// writeNew writes a new file that only its owner can read. It replaces no file.
func writeNew(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("%s is not complete: %w", name, err)
	}
	return nil
}
