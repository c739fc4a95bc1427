package cli

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
	"strings"
	"text/tabwriter"
	"time"

	"cognate/internal/iam"
	"cognate/internal/server"
	"cognate/internal/store"
)

// forOperator sets the defaults for commands other than dev and serve. The default
// key-encryption key is that of dev, in the data folder.
func forOperator(c *server.Config) {
	c.Mode = server.Dev
	if c.KEKFile != "" || c.KEK != "" || c.Database != "" {
		c.Mode = server.Serve
	}
	*c = c.WithDefaults()
	if c.Data == "" && c.Database == "" {
		c.Data = server.DevData
	}
	if _, err := os.Stat(c.KEKFile); c.Mode == server.Dev && err != nil {
		// Only servers make a key. For commands a missing file is an error.
		c.Mode = server.Serve
	}
}

type migrateCommand struct{}

// Run brings the schema up to date.
func (migrateCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	o := store.Options{URL: string(c.Database), Now: c.Now, Log: c.Logger(), Migrate: true}
	if o.URL == "" {
		o.Path = c.DatabaseFile()
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
func (healthcheckCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	c.Mode = server.Serve
	*c = c.WithDefaults()
	addr := cmp.Or(c.HealthListen, c.PrivateListen)
	if addr == server.ListenerOff {
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
	SCIM struct {
		Create createDirectoryCommand `cmd:"" help:"Let the directory of an identity provider add, change and remove its people by SCIM 2.0. Prints a bearer token, once."`
		List   listDirectoriesCommand `cmd:"" help:"List the directories of a pool, with their tokens."`
		Revoke revokeDirectoryCommand `cmd:"" help:"Delete a token. Servers refuse it at once."`
		Remove removeDirectoryCommand `cmd:"" help:"Remove a directory and its tokens. The users and groups that it has made stay in the pool."`
	} `cmd:"" name:"scim" help:"Directories that provision people by SCIM 2.0."`
}

type createKeyCommand struct {
	Name   string   `required:"" placeholder:"NAME" help:"The user of the key. The command makes the user if there is no such user."`
	Policy []string `sep:"none" placeholder:"FILE" help:"Identity policy of a new user: \"admin\" (every operation of the server) or a file with IAM policy JSON. May be repeated. A user that exists must have just these policies. Without policies, the key is for a user that exists."`
}

// Run makes a key.
func (k createKeyCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
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
		if err := iam.CheckPolicy(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		base := filepath.Base(name)
		policies = append(policies, iam.NamedPolicy{Name: strings.TrimSuffix(base, filepath.Ext(base)), Document: text})
	}
	out, err := control(ctx, c, server.ControlRequest{Do: server.CreateAccessKey, Name: k.Name, Policies: policies})
	if err != nil {
		return err
	}
	key := out.Keys[0]
	fmt.Fprintf(p.Stdout, "AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", key.ID, out.Secret)
	fmt.Fprintf(p.Stderr, "%s may use this key. The secret is shown only this once: store it now.\n", key.PrincipalARN)
	return nil
}

type listKeysCommand struct{}

// Run lists the keys.
func (listKeysCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	out, err := control(ctx, c, server.ControlRequest{Do: server.ListAccessKeys})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ACCESS KEY\tPRINCIPAL\tPOLICIES\tCREATED")
	for _, k := range out.Keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.PrincipalARN, strings.Join(k.PolicyNames(), ","), k.CreatedAt.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}

type revokeKeyCommand struct {
	ID string `arg:"" help:"The access key's id, AKIA…"`
}

// Run deletes a key.
func (k revokeKeyCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	if _, err := control(ctx, c, server.ControlRequest{Do: server.RevokeAccessKey, ID: k.ID}); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s is revoked\n", k.ID)
	return nil
}
