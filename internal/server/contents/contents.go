package contents

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"cognate/internal/document"
	"cognate/internal/seed"
	"cognate/internal/template"
	"cognate/internal/template/deploy"
)

// Interval is the time between two checks of a template's files.
const Interval = 500 * time.Millisecond

// Contents fills a server from a template and a seed.
type Contents struct {
	settings Settings
	account  string
	endpoint string
	// domains is the address of the listener at which Amplify finds the domains of user pools.
	domains string
	out     io.Writer
	log     *slog.Logger

	mu     sync.Mutex
	seeded *seed.Result   // nil without a seed
	made   *deploy.Result // nil without a template
	// files are the files of the template that was read last. applied is their state at that time, and seen is
	// their state at the last check.
	files         []string
	applied, seen [sha256.Size]byte
}

// New returns the contents of a server. endpoint is the server's URL, and domains is the address of the
// listener for the domains of user pools. Texts for people go to out.
func New(s Settings, account, endpoint, domains string, out io.Writer, log *slog.Logger) *Contents {
	return &Contents{settings: s, account: account, endpoint: endpoint, domains: domains, out: out, log: log}
}

// Sources are a template and a seed that were read. Each may be nil.
type Sources struct {
	template *template.Template
	seed     *seed.File
	files    []string
	state    [sha256.Size]byte
}

// Services are the services that fill a server.
type Services struct {
	Seeds *seed.Service
	// Templates returns the service for the stack of a template.
	Templates func(o template.Options) *deploy.Service
}

// Read reads the template and the seed of the settings.
func (c *Contents) Read() (*Sources, error) {
	sources := &Sources{}
	if err := c.readTemplate(sources); err != nil {
		return nil, err
	}
	var err error
	switch {
	case c.settings.Seed != "":
		sources.seed, err = seed.Read(c.settings.Seed)
	case c.settings.SeedCognitoLocal != "":
		sources.seed, err = seed.ReadCognitoLocal(c.settings.SeedCognitoLocal)
	}
	if err != nil {
		return nil, fmt.Errorf("seed:\n%w", document.PrintableError(err))
	}
	return sources, nil
}

// readTemplate reads the template, and stores the state of its files in sources.
func (c *Contents) readTemplate(sources *Sources) error {
	if c.settings.Template == "" {
		return nil
	}
	// The first reading finds the files. Then their state is taken, and the second reading is later than the
	// state. So no change is missed.
	for range 2 {
		t, err := template.Read(c.settings.Template, c.settings.options(c.account))
		sources.files = c.filesOf(t, err)
		if err != nil {
			sources.state = fingerprint(sources.files)
			return fmt.Errorf("template:\n%w", document.PrintableError(err))
		}
		if sources.template == nil {
			sources.state = fingerprint(sources.files)
		}
		sources.template = t
	}
	return nil
}

// filesOf returns the files to watch: a change of one may change the template, or correct its fault.
func (c *Contents) filesOf(t *template.Template, err error) []string {
	files := []string{c.settings.Template}
	if e, ok := errors.AsType[*document.Error](err); ok {
		for _, p := range e.Problems {
			files = append(files, p.File)
		}
	}
	if err != nil {
		files = append(files, c.files...)
	} else {
		files = append(files, t.Files()...)
		for _, r := range t.Resources() {
			if strings.HasSuffix(strings.ToLower(r.Asset), ".zip") {
				files = append(files, r.Asset)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// fingerprint identifies the state of files by their sizes and times. A missing file has a state, too.
func fingerprint(files []string) [sha256.Size]byte {
	h := sha256.New()
	for _, name := range files {
		fmt.Fprintf(h, "%s\x00", name)
		if info, err := os.Stat(name); err == nil {
			fmt.Fprintf(h, "%d %d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Check names the problems of a template that show only when it is compared with the rules of the API.
func (c *Contents) Check(ctx context.Context, sources *Sources, to Services) error {
	if sources.template == nil {
		return nil
	}
	c.mu.Lock() // Apply removes the code of functions that no template uses.
	defer c.mu.Unlock()
	if err := to.Templates(c.optionsOf(sources.template)).Check(ctx, sources.template); err != nil {
		return fmt.Errorf("template:\n%w", document.PrintableError(err))
	}
	return nil
}

// optionsOf returns the options of the stack of a template.
func (c *Contents) optionsOf(t *template.Template) template.Options {
	o := c.settings.options(c.account)
	o.StackName = t.StackName()
	return o
}

// Apply fills the server. The server answers its first request after it.
func (c *Contents) Apply(ctx context.Context, sources *Sources, to Services) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sources.template != nil {
		if err := c.applyTemplate(ctx, sources, to); err != nil {
			return err
		}
		if err := c.writeFiles(c.made); err != nil {
			return err
		}
	}
	if sources.seed == nil {
		return nil
	}
	var err error
	if c.seeded, err = to.Seeds.Apply(ctx, sources.seed); err != nil {
		return fmt.Errorf("seed:\n%w", document.PrintableError(err))
	}
	return nil
}

func (c *Contents) applyTemplate(ctx context.Context, sources *Sources, to Services) error {
	c.files, c.applied, c.seen = sources.files, sources.state, sources.state
	made, err := to.Templates(c.optionsOf(sources.template)).Apply(ctx, sources.template)
	if err != nil {
		return fmt.Errorf("template:\n%w", document.PrintableError(err))
	}
	c.made = made
	return nil
}

// Print writes the ids that the template and the seed have created.
func (c *Contents) Print(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made.Print(w)
	c.seeded.Print(w)
}

// Refresh returns the task that applies the template again when its files have changed. A file that was saved
// without a change of its text counts as changed: so a developer tries a failed template again. Refresh reports a
// template with a fault, and the server keeps what it has.
func (c *Contents) Refresh(to Services) func(context.Context) error {
	return func(ctx context.Context) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := fingerprint(c.files)
		if now == c.applied {
			return nil
		}
		if now != c.seen { // Somebody may still be writing.
			c.seen = now
			return nil
		}
		sources := &Sources{}
		err := c.readTemplate(sources)
		if err == nil {
			err = c.applyTemplate(ctx, sources, to)
		}
		if ctx.Err() != nil {
			return nil
		}
		c.files, c.applied, c.seen = sources.files, sources.state, sources.state
		if err != nil {
			c.log.ErrorContext(ctx, "the template cannot be applied: the server keeps what it has", slog.Any("error", err))
			fmt.Fprintf(c.out, "%v\nthe server keeps what it has; save the template again to try again\n", err)
			return nil
		}
		c.log.InfoContext(ctx, "the template was applied", slog.String("stack", c.made.StackName), slog.String("changes", c.made.Changes()))
		c.made.PrintChange(c.out)
		if err := c.writeFiles(c.made); err != nil {
			c.log.ErrorContext(ctx, "the template was applied, and a file with its results is not written", slog.Any("error", err))
			fmt.Fprintf(c.out, "%v\nthe file is written again at the next change\n", err)
		}
		return nil
	}
}
