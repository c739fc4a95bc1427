package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"cognate/internal/outbound"
	"cognate/internal/server"
)

// Process holds the streams, arguments and environment of a program.
type Process struct {
	Args           []string // without the program's name
	Env            func(string) (string, bool)
	Environ        []string // what Env knows, as NAME=value
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Hangup asks a running server to read its TLS certificate again; may be nil.
	Hangup <-chan os.Signal
}

// grammar is the command line.
type grammar struct {
	server.Config `embed:""`

	Dev         devCommand         `cmd:"" help:"Run for development: loopback only, any credentials, a visible inbox."`
	Serve       serveCommand       `cmd:"" help:"Run for production: administrators must sign with a known access key."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database's schema up to date."`
	Doctor      doctorCommand      `cmd:"" help:"Check configuration, database, clock and keys, and say what to do."`
	Admin       adminCommand       `cmd:"" help:"Manage administrators' access keys."`
	Keys        keysCommand        `cmd:"" help:"Manage signing and data keys."`
	User        userCommand        `cmd:"" help:"Export or erase the data of one user."`
	Audit       auditCommand       `cmd:"" help:"Search and verify the audit trail."`
	Import      importCommand      `cmd:"" help:"Show imports of users."`
	Usage       usageCommand       `cmd:"" help:"Show the monthly active users of user pools and app clients."`
	Passwords   passwordsCommand   `cmd:"" help:"Make and check filters of compromised passwords."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a running server on this machine whether it is ready."`
	Version     versionCommand     `cmd:"" help:"Print the version."`

	ConfigReference referenceCommand `cmd:"" hidden:"" help:"Print docs/configuration.md."`
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs one command and returns the process's exit code.
func Main(ctx context.Context, p Process) int {
	g := &grammar{}
	src, err := newSources(p.Args, p.Env)
	if err != nil {
		fmt.Fprintln(p.Stderr, "cognate:", outbound.Clean(err))
		return exitUsage
	}
	exit := -1
	parser, err := kong.New(g,
		kong.Name("cognate"),
		kong.Description("An identity server that speaks Amazon Cognito's protocol."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Resolvers(src),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { exit = code }),
	)
	if err != nil {
		fmt.Fprintln(p.Stderr, "cognate:", err)
		return exitFailed
	}
	command, err := parser.Parse(p.Args)
	if exit >= 0 { // --help was answered
		return exit
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "cognate: %v\nRun cognate --help for the commands and settings.\n", outbound.Clean(err))
		return exitUsage
	}
	kek, _ := p.Env(envPrefix + "KEK")
	g.KEK = server.Secret(kek)
	g.Config.Version, g.Out, g.LogTo = version(), p.Stdout, p.Stderr
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(&g.Config, &p); err != nil {
		if !errors.Is(err, errSilent) {
			fmt.Fprintln(p.Stderr, "cognate:", outbound.Clean(err))
		}
		return exitFailed
	}
	return exitOK
}

// errSilent is the error of a command that has reported its failure already.
var errSilent = errors.New("failed")

type serveCommand struct{}

// Run runs the production server until ctx ends.
func (serveCommand) Run(ctx context.Context, c *server.Config, p *Process, app *kong.Kong) error {
	c.Mode, c.Warnings = server.Serve, unknownVariables(p.Environ, app.Model.Flags)
	return run(ctx, c, p)
}

// memoryForSpeed is the garbage collector's percentage (GOGC). The live heap is small, and
// fewer collections save a tenth of a cheap operation's time. GOGC in the environment
// overrides it.
const memoryForSpeed = 400

// run runs a server until ctx ends.
func run(ctx context.Context, c *server.Config, p *Process) error {
	if _, set := p.Env("GOGC"); !set {
		debug.SetGCPercent(memoryForSpeed)
	}
	lines := newLineBuffer(c.LogTo)
	defer lines.flush()
	c.LogTo = lines
	c.Log = c.Logger()
	s, err := server.Start(ctx, *c)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return s.Close()
		case err := <-s.Failed():
			return errors.Join(err, s.Close())
		case <-p.Hangup:
			if err := s.Reload(ctx); err != nil {
				c.Log.Error("reload failed; what was loaded before stays", "error", err)
			}
		}
	}
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p *Process) error {
	_, err := fmt.Fprintln(p.Stdout, version())
	return err
}

type referenceCommand struct{}

// Run prints the reference of the settings.
func (referenceCommand) Run(p *Process) error {
	text, err := configReference()
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.Stdout, text)
	return err
}
