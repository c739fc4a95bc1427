package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"cognate/internal/risk/passwords"
	"cognate/internal/server"
)

type passwordsCommand struct {
	Build  buildPasswordsCommand  `cmd:"" help:"Make a filter of compromised passwords from the downloaded list of Pwned Passwords."`
	Verify verifyPasswordsCommand `cmd:"" help:"Read a filter of compromised passwords as a whole and check its checksum."`
}

type buildPasswordsCommand struct {
	List     string `arg:"" help:"The list: one file with a line HASH:COUNT for each SHA-1 hash in ascending order, or the folder of the 1,048,576 files of the prefixes."`
	Output   string `placeholder:"FILE" help:"The filter. Default: beside the list, with the ending .filter."`
	MinCount uint64 `default:"1" placeholder:"N" help:"Leave out passwords that were seen less often."`
	Bits     int    `default:"8" enum:"8,16" help:"8 or 16. With 8 bits the filter takes one of 256 good passwords for a compromised one, and sign-ins do not use it. With 16 bits it is one of 65,536, and the file is twice as long."`
}

// Run makes the filter.
func (k buildPasswordsCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	*c = c.WithDefaults()
	if k.Output == "" {
		list := filepath.Clean(k.List)
		k.Output = strings.TrimSuffix(list, filepath.Ext(list)) + ".filter"
	}
	shown := int64(-1)
	info, err := passwords.Build(ctx, k.List, k.Output, passwords.BuildOptions{
		MinCount: k.MinCount, Bits: k.Bits, Now: c.Now(),
		Progress: func(read, total int64, entries uint64) {
			if percent := 100 * read / max(total, 1); percent > shown {
				shown = percent
				fmt.Fprintf(p.Stderr, "%3d %%  %d passwords\n", percent, entries)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("passwords: %w", err)
	}
	printFilter(p, k.Output, info)
	return nil
}

type verifyPasswordsCommand struct {
	Filter string `arg:"" help:"The filter."`
}

// Run checks the filter.
func (k verifyPasswordsCommand) Run(ctx context.Context, p *Process) error {
	info, err := passwords.Verify(ctx, k.Filter)
	if err != nil {
		return fmt.Errorf("passwords: %w", err)
	}
	printFilter(p, k.Filter, info)
	return nil
}

func printFilter(p *Process, name string, info passwords.Info) {
	fmt.Fprintf(p.Stdout, "%s: %d passwords that were seen at least %d times, %d bytes, %.2f bits each\n",
		name, info.Entries, info.MinCount, info.Size, info.BitsPerEntry())
}
