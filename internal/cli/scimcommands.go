package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"cognate/internal/scim"
	"cognate/internal/server"
)

type createDirectoryCommand struct {
	Pool     string            `required:"" placeholder:"ID" help:"The user pool."`
	Provider string            `required:"" placeholder:"NAME" help:"The identity provider of the pool at which the people sign in."`
	Subject  string            `placeholder:"ATTRIBUTE" help:"The SCIM attribute that is the person's name at a sign-in, the NameID of SAML or the sub of OpenID Connect: userName (the default) or externalId."`
	Map      map[string]string `sep:"none" placeholder:"ATTRIBUTE=PATH" help:"Fill an attribute of the pool from an attribute of SCIM, such as custom:department=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department. An empty path leaves the attribute out. May be repeated."`
	Closed   *bool             `negatable:"" help:"Let people sign in at the provider only if the directory has added them."`
	Expires  time.Duration     `placeholder:"DURATION" help:"How long the token is valid, such as 8760h. By default it does not expire."`
}

// Run makes a token.
func (d createDirectoryCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	out, err := control(ctx, c, server.ControlRequest{Do: server.CreateDirectoryToken, Token: &scim.NewToken{
		Pool: d.Pool, Provider: d.Provider, Subject: d.Subject, Attributes: d.Map, Closed: d.Closed, Life: d.Expires,
	}})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "SCIM_PATH=%s%s\nSCIM_TOKEN=%s\n", scim.Path, d.Pool, out.Secret)
	fmt.Fprintf(p.Stderr, "The directory of %s may use this token below that path of the server. The token is shown only this once: store it now.\n", d.Provider)
	return nil
}

type listDirectoriesCommand struct {
	Pool string `required:"" placeholder:"ID" help:"The user pool."`
}

// Run lists the directories.
func (d listDirectoriesCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	out, err := control(ctx, c, server.ControlRequest{Do: server.ListDirectories, Pool: d.Pool})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "PROVIDER\tSUBJECT\tCLOSED\tUSERS\tGROUPS\tTOKENS")
	for _, d := range out.Directories {
		tokens := make([]string, 0, len(d.Tokens))
		for _, t := range d.Tokens {
			expires := "never expires"
			if !t.ExpiresAt.IsZero() {
				expires = "expires " + t.ExpiresAt.UTC().Format(time.RFC3339)
			}
			tokens = append(tokens, t.ID+" ("+expires+")")
		}
		fmt.Fprintf(w, "%s\t%s\t%t\t%d\t%d\t%s\n", d.Provider, d.Subject, d.Closed, d.Users, d.Groups, strings.Join(tokens, ", "))
	}
	return w.Flush()
}

type revokeDirectoryCommand struct {
	Pool string `required:"" placeholder:"ID" help:"The user pool."`
	ID   string `arg:"" help:"The token's id, as list shows it."`
}

// Run deletes a token.
func (d revokeDirectoryCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	if _, err := control(ctx, c, server.ControlRequest{Do: server.RevokeDirectoryToken, Pool: d.Pool, ID: d.ID}); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s is revoked\n", d.ID)
	return nil
}

type removeDirectoryCommand struct {
	Pool     string `required:"" placeholder:"ID" help:"The user pool."`
	Provider string `required:"" placeholder:"NAME" help:"The identity provider."`
}

// Run removes a directory.
func (d removeDirectoryCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	if _, err := control(ctx, c, server.ControlRequest{Do: server.RemoveDirectory, Pool: d.Pool, Name: d.Provider}); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "the directory of %s is removed\n", d.Provider)
	return nil
}
