package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// forOperator fills in what commands need that are neither dev nor serve. Where
// no key-encryption key is named, it is dev's, in the data folder.
func (c *Config) forOperator() {
	c.Mode = Dev
	if c.KEKFile != "" || c.KEK != "" || c.Database != "" {
		c.Mode = Serve
	}
	*c = c.withDefaults()
	if c.Data == "" && c.Database == "" {
		c.Data = defaultDevData
	}
	if _, err := os.Stat(c.KEKFile); c.Mode == Dev && err != nil {
		// Only the servers make a key. Here the missing file is the answer.
		c.Mode = Serve
	}
}

type migrateCommand struct{}

// Run brings the schema up to date.
func (migrateCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.forOperator()
	o := store.Options{URL: string(c.Database), Now: c.Now, Log: newLogger(c), Migrate: true}
	if o.URL == "" {
		o.Path = filepath.Join(c.Data, databaseFile)
	}
	st, err := store.Open(ctx, o)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	fmt.Fprintf(p.Stdout, "the schema of the %s database is up to date\n", st.Engine())
	return st.Close()
}

type healthcheckCommand struct{}

// Run asks the server on this machine whether it is ready.
func (healthcheckCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.Mode = Serve
	*c = c.withDefaults()
	addr := cmp.Or(c.HealthListen, c.PrivateListen)
	if addr == privateOff {
		return errors.New("healthcheck: needs the private listener, or one for health checks (--health-listen)")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var body struct{ Status string }
		_ = json.NewDecoder(res.Body).Decode(&body)
		return fmt.Errorf("healthcheck: not ready: %s", body.Status)
	}
	fmt.Fprintln(p.Stdout, "ready")
	return nil
}

type adminCommand struct {
	Keys struct {
		Create createKeyCommand `cmd:"" help:"Make an access key and print its secret, once."`
		List   listKeysCommand  `cmd:"" help:"List the access keys."`
		Revoke revokeKeyCommand `cmd:"" help:"Delete an access key. Servers notice within a second."`
	} `cmd:"" help:"Access keys."`
}

type createKeyCommand struct {
	Name   string   `required:"" placeholder:"NAME" help:"Whose key it is: the user name in its ARN."`
	Policy []string `required:"" sep:"none" placeholder:"FILE" help:"Identity policy: \"admin\" (cognito-idp:* on everything) or a file with IAM policy JSON. May be repeated."`
}

// Run makes a key.
func (k createKeyCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.forOperator()
	var policies []iam.NamedPolicy
	for _, name := range k.Policy {
		if name == iam.Administrator.Name {
			policies = append(policies, iam.Administrator)
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("policy: %w", err)
		}
		if !json.Valid(text) {
			return fmt.Errorf("policy %s: is not JSON", name)
		}
		base := filepath.Base(name)
		policies = append(policies, iam.NamedPolicy{Name: strings.TrimSuffix(base, filepath.Ext(base)), Document: text})
	}
	out, err := operate(ctx, c, order{Do: createKey, Name: k.Name, Policies: policies})
	if err != nil {
		return err
	}
	key := out.Keys[0]
	fmt.Fprintf(p.Stdout, "AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", key.ID, out.Secret)
	fmt.Fprintf(p.Stderr, "%s may use this key. The secret is told this once; keep it now.\n", key.PrincipalARN)
	return nil
}

type listKeysCommand struct{}

// Run lists the keys.
func (listKeysCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.forOperator()
	out, err := operate(ctx, c, order{Do: listKeys})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ACCESS KEY\tPRINCIPAL\tPOLICIES\tCREATED")
	for _, k := range out.Keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.PrincipalARN, strings.Join(policyNames(k), ","), k.CreatedAt.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}

type revokeKeyCommand struct {
	ID string `arg:"" help:"The access key's id, AKIA…"`
}

// Run deletes a key.
func (k revokeKeyCommand) Run(ctx context.Context, c *Config, p *Process) error {
	c.forOperator()
	if _, err := operate(ctx, c, order{Do: revokeKey, ID: k.ID}); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s is revoked\n", k.ID)
	return nil
}

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Make new keys; what the old ones signed or sealed stays good."`
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
