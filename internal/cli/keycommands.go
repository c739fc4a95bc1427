package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/internal/server/datakeys"
)

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Make new keys. Values that the old keys signed or sealed stay valid. After a theft, retire the keys instead."`
	Retire retireCommand `cmd:"" help:"After a theft of the database and the key-encryption key: retire all keys. Nothing that they signed or sealed is accepted, and all users are signed out."`
}

type rotateCommand struct {
	Pool    string `placeholder:"ID" help:"Rotate only the signing keys of this pool."`
	Signing bool   `help:"Rotate the signing keys of all pools. New keys are published first and sign hours later, so that no verifier meets a token of an unknown key."`
	DataKey bool   `name:"data-keys" help:"Make new data keys, which seal everything that is written from now on."`
	NewKEK  string `name:"new-kek-file" placeholder:"FILE" help:"Wrap all data keys by the key-encryption key in this file. Then start the servers with it."`
}

// Run rotates the chosen keys.
func (r rotateCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	if r.Pool == "" && !r.Signing && !r.DataKey && r.NewKEK == "" {
		return errors.New("say what to rotate: --signing, --pool ID, --data-keys or --new-kek-file FILE")
	}
	if r.DataKey && r.NewKEK != "" {
		return errors.New("rotate the data keys first, wait until every server has them (" + keys.SealDelay.String() + "), then change the key-encryption key: a running server cannot take up data keys that another key wraps")
	}
	if r.Signing || r.Pool != "" {
		out, err := control(ctx, c, server.ControlRequest{Do: server.RotateSigningKeys, ID: r.Pool})
		if err != nil {
			return fmt.Errorf("signing keys: %w", err)
		}
		fmt.Fprintf(p.Stdout, "new signing keys are published for %d pools\n", out.Pools)
	}
	if r.DataKey {
		out, err := control(ctx, c, server.ControlRequest{Do: server.RotateDataKeys})
		if err != nil {
			return fmt.Errorf("data keys: %w", err)
		}
		fmt.Fprintf(p.Stdout, "%d data keys were added; servers take them up within %s\n", out.Count, keys.SealDelay)
	}
	if r.NewKEK != "" {
		kek, n, err := server.RewrapDataKeys(ctx, c, r.NewKEK)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "%d data keys are wrapped by key %s now; start the servers with it, and keep the old one as long as backups need it\n", n, kek)
	}
	return nil
}

type retireCommand struct {
	Now    bool   `help:"Do it. Without this flag the command lists the pools whose users it would sign out, and changes nothing."`
	NewKEK string `name:"new-kek-file" placeholder:"FILE" help:"Wrap everything by the key-encryption key in this file. Servers with another key refuse all requests until this file replaces their own."`
}

// Run retires all keys, or lists what that would end.
func (r retireCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	in := server.ControlRequest{Do: server.RetireKeys, Now: r.Now}
	if r.NewKEK != "" {
		to, err := keys.ReadKEKFile(r.NewKEK)
		if err != nil {
			return fmt.Errorf("new key-encryption key: %w", err)
		}
		if inUse(c, to) {
			return errors.New("new key-encryption key: the servers use this key already, and a thief may have it, too: make another key")
		}
		text, err := os.ReadFile(r.NewKEK)
		if err != nil {
			return fmt.Errorf("new key-encryption key: %w", err)
		}
		in.KEK = string(text)
	}
	out, err := control(ctx, c, in)
	if err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	return reportRetirement(p.Stdout, out.Retirement)
}

// inUse reports whether the settings name the key-encryption key. If the configured key
// cannot be read, it returns false: the command reports that error.
func inUse(c *server.Config, kek *keys.KEK) bool {
	configured, err := keys.ParseKEK(string(c.KEK))
	if c.KEK == "" {
		configured, err = keys.ReadKEKFile(c.KEKFile)
	}
	return err == nil && configured.ID() == kek.ID()
}

// reportRetirement writes what a retirement did or would do, and the remaining steps.
func reportRetirement(w io.Writer, r *server.Retirement) error {
	verb := "would be"
	if r.Done {
		verb = "are"
		fmt.Fprintf(w, "all earlier keys are retired; every server that reaches the database refuses them within %s\n", datakeys.RetirementBound)
	}
	if r.KEK != "" {
		fmt.Fprintf(w, "the data keys %s wrapped by key-encryption key %s; replace the old file by the new one on every server now: servers without it answer 503\n", verb, r.KEK)
	}
	fmt.Fprintf(w, "signed out %s all users of these pools:\n", verb)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "POOL\tNAME\tUSERS (ABOUT)")
	for _, pool := range r.Pools {
		fmt.Fprintf(t, "%s\t%s\t%d\n", pool.ID, pool.Name, pool.Users)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, `void %s: every refresh, access and ID token; every sign-in and sign-up in progress; every code that was sent;
  page tokens of lists; upload addresses of imports; keys of devices that were not confirmed
still good, and known to the thief: %d access keys, all client secrets, enrolments of authenticator apps, verifiers of passwords;
  docs/operations.md, "After a break-in", says how to replace them
`, verb, r.AccessKeys)
	if !r.Done {
		fmt.Fprintln(w, "nothing was changed; add --now to do it")
	}
	return nil
}
