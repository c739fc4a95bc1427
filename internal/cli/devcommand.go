package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"cognate/internal/server"
)

type devCommand struct {
	Run    devRunCommand    `cmd:"" default:"withargs" hidden:"" help:"Run for development."`
	Export devExportCommand `cmd:"" help:"Write the state of the development server as a seed (docs/seeds.md)."`
}

type devRunCommand struct{}

// Run runs the development server until ctx ends.
func (devRunCommand) Run(ctx context.Context, c *server.Config, p *Process, app *kong.Kong) error {
	c.Mode, c.Warnings = server.Dev, unknownVariables(p.Environ, app.Model.Flags)
	return run(ctx, c, p)
}

type devExportCommand struct {
	Secrets bool `help:"Also write secrets of app clients and identity providers, imported hashes of passwords and secrets of authenticator apps."`
}

// Run writes the state of the server of the data folder, whether the server runs or not.
func (e devExportCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	c.Mode = server.Dev
	*c = c.WithDefaults()
	if _, err := os.Stat(c.KEKFile); c.KEK == "" && err != nil { // Only servers make a key.
		return fmt.Errorf("no development server has run with the data folder %s: %w", c.Data, err)
	}
	out, err := control(ctx, c, server.ControlRequest{Do: server.ExportSeed, Secrets: e.Secrets})
	if err != nil {
		return err
	}
	if out.Text == "" {
		return errors.New("the server answered no seed")
	}
	_, err = io.WriteString(p.Stdout, out.Text)
	return err
}
