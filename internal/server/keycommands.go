package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
)

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Make new keys; what the old ones signed or sealed stays good. Against a thief, retire them."`
	Retire retireCommand `cmd:"" help:"After a theft of the database and the key-encryption key: give up all keys, so that nothing they signed or sealed is accepted, and sign everybody out."`
}

type rotateCommand struct {
	Pool    string `placeholder:"ID" help:"Rotate the signing keys of this pool alone."`
	Signing bool   `help:"Rotate the signing keys of all pools. New ones are published first and sign hours later, so that no verifier meets a token of a key it does not know."`
	DataKey bool   `name:"data-keys" help:"Make new data keys. They seal what is written from now on."`
	NewKEK  string `name:"new-kek-file" placeholder:"FILE" help:"Wrap all data keys by the key-encryption key in this file. Then start the servers with it."`
}

// Run rotates what was asked for.
func (r rotateCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.forOperator()
	if r.Pool == "" && !r.Signing && !r.DataKey && r.NewKEK == "" {
		return errors.New("say what to rotate: --signing, --pool ID, --data-keys or --new-kek-file FILE")
	}
	if r.DataKey && r.NewKEK != "" {
		return errors.New("rotate the data keys first, wait until every server has them (" + keys.SealDelay.String() + "), then change the key-encryption key: a running server cannot take up data keys that another key wraps")
	}
	if r.Signing || r.Pool != "" {
		out, err := operate(ctx, c, order{Do: rotateSigning, ID: r.Pool})
		if err != nil {
			return fmt.Errorf("signing keys: %w", err)
		}
		fmt.Fprintf(p.Stdout, "new signing keys are published for %d pools\n", out.Pools)
	}
	if r.DataKey {
		out, err := operate(ctx, c, order{Do: rotateData})
		if err != nil {
			return fmt.Errorf("data keys: %w", err)
		}
		fmt.Fprintf(p.Stdout, "%d data keys were added; servers take them up within %s\n", out.Count, keys.SealDelay)
	}
	if r.NewKEK != "" {
		return r.rewrap(ctx, c, p)
	}
	return nil
}

// rewrap exchanges the key-encryption key. It needs the database for itself in
// the embedded case: the server's own copy of the old key is in its memory.
func (r rotateCommand) rewrap(ctx context.Context, c *Config, p *Process) error {
	from, err := openKEK(c)
	if err != nil {
		return fmt.Errorf("key-encryption key: %w", err)
	}
	to, err := keys.ReadKEKFile(r.NewKEK)
	if err != nil {
		return fmt.Errorf("new key-encryption key: %w", err)
	}
	st, err := openStore(ctx, c, newLogger(c))
	if errors.Is(err, store.ErrBusy) {
		return fmt.Errorf("stop the server first; it is to start again with the new key: %w", err)
	}
	if err != nil {
		return err
	}
	defer st.Close()
	var changed []keys.WrappedKey
	err = st.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.DataKeys(ctx)
		if err != nil {
			return err
		}
		records, err := wrappedKeys(rows)
		if err != nil {
			return err
		}
		if c.Database != "" { // other servers may run
			if err := keys.CheckSettled(records, c.Now()); err != nil {
				return fmt.Errorf("%w: a server that runs may not have loaded it; try again in %s", err, keys.SealDelay)
			}
		}
		if changed, err = keys.Rewrap(ctx, from, to, records); err != nil {
			return err
		}
		for _, w := range changed {
			i := slices.IndexFunc(records, func(r keys.WrappedKey) bool { return r.Purpose == w.Purpose && r.ID == w.ID })
			records[i] = w
		}
		return tx.ReplaceDataKeys(ctx, dataKeyRows(records))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%d data keys are wrapped by key %s now; start the servers with it, and keep the old one as long as backups need it\n", len(changed), to.ID())
	return nil
}

type retireCommand struct {
	Now    bool   `help:"Do it. Without this flag the command says whom it would sign out, and changes nothing."`
	NewKEK string `name:"new-kek-file" placeholder:"FILE" help:"Wrap everything by the key-encryption key in this file. Servers that have another one refuse all requests until the file is in the place of their own."`
}

// Run gives up all keys.
func (r retireCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.forOperator()
	in := order{Do: retireKeys, Now: r.Now}
	if r.NewKEK != "" {
		to, err := keys.ReadKEKFile(r.NewKEK)
		if err != nil {
			return fmt.Errorf("new key-encryption key: %w", err)
		}
		if inUse(c, to) {
			return errors.New("new key-encryption key: the servers have this one already, and whoever broke in may have it, too: make another")
		}
		text, err := os.ReadFile(r.NewKEK)
		if err != nil {
			return fmt.Errorf("new key-encryption key: %w", err)
		}
		in.KEK = string(text)
	}
	out, err := operate(ctx, c, in)
	if err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	return out.Retirement.report(p.Stdout)
}

// inUse reports whether the settings name the key-encryption key. Where they name
// none that can be read, that is for the command to say.
func inUse(c *Config, kek *keys.KEK) bool {
	configured, err := keys.ParseKEK(string(c.KEK))
	if c.KEK == "" {
		configured, err = keys.ReadKEKFile(c.KEKFile)
	}
	return err == nil && configured.ID() == kek.ID()
}

// report says what was done or would be, and what is left to do.
func (r *retirement) report(w io.Writer) error {
	verb := "would be"
	if r.Done {
		verb = "are"
		fmt.Fprintf(w, "all keys of before are retired; every server that reaches the database refuses them within %s\n", takeUpBound)
	}
	if r.KEK != "" {
		fmt.Fprintf(w, "the data keys %s wrapped by key-encryption key %s; put its file in the place of the old one on every server now: servers without it answer 503\n", verb, r.KEK)
	}
	fmt.Fprintf(w, "signed out %s all people of these pools:\n", verb)
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

// takeUpBound is within which time a server notices a retirement: it looks every
// dataKeysInterval, and the query takes its time.
const takeUpBound = 5 * time.Second
