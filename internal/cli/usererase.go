package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"cognate/internal/privacy"
	"cognate/internal/server"
)

type eraseUserCommand struct {
	Pool     string `required:"" placeholder:"ID" help:"The user pool."`
	User     string `required:"" placeholder:"NAME" help:"The user: a sign-in name or the sub."`
	Yes      bool   `help:"Erase. Without it, the command only shows what it would erase."`
	KeepFile bool   `help:"Do not rewrite the file of the embedded database. Its free pages keep bytes of the rows. For all but the last of several erasures."`
}

// Run erases a user.
func (k eraseUserCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	if !k.Yes {
		return k.preview(ctx, c, p.Stdout)
	}
	out, err := control(ctx, c, server.ControlRequest{Do: server.EraseUser, Pool: k.Pool, Name: k.User, KeepFile: k.KeepFile})
	if err != nil {
		return err
	}
	return writeErasure(p.Stdout, out.Erasure)
}

// preview shows how many rows an erasure would find.
func (k eraseUserCommand) preview(ctx context.Context, c *server.Config, w io.Writer) error {
	out, err := control(ctx, c, server.ControlRequest{Do: server.ExportUser, Pool: k.Pool, Name: k.User})
	if err != nil {
		return err
	}
	var doc privacy.Document
	if err := json.Unmarshal(out.Person, &doc); err != nil {
		return err
	}
	fmt.Fprintf(w, "user pool %s, sub %s\n\n", doc.Person.UserPool, doc.Person.Sub)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tTABLE\tROWS")
	for _, table := range privacy.Tables {
		if table.Section != "" {
			fmt.Fprintf(t, "%s\t%s\t%d\n", table.Section, table.Name, doc.Sections[table.Section].Rows[table.Name])
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return errors.New("nothing was erased: repeat the command with --yes")
}

// writeErasure says what was erased, what goes by itself, and what is out of the server's reach.
func writeErasure(w io.Writer, e *privacy.ErasureReport) error {
	if e.Sub == "" {
		_, err := fmt.Fprintln(w, "The user pool has no such user. An earlier erasure was interrupted, or kept the file, after it had erased the rows.\nThe file of the database is rewritten now.")
		return err
	}
	fmt.Fprintf(w, "user pool %s, sub %s\n\n", e.UserPool, e.Sub)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tTABLE\tROWS\tDONE")
	for _, row := range e.Tables {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", row.Section, row.Table, row.Rows, row.How)
	}
	fmt.Fprintln(t, "\nGOES BY ITSELF\tWHEN\t")
	for _, row := range e.Expiring {
		fmt.Fprintf(t, "%s\t%s\t\n", row.Table, row.Life)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for _, i := range e.Stay {
		fmt.Fprintf(&b, "\nThe identity %s stays, because other logins lead to it: %s.\nIf they are the same person's, delete it with DeleteIdentities.\n", i.ID, strings.Join(i.Logins, ", "))
	}
	if len(e.Files) > 0 {
		b.WriteString("\nThese imports have a file that may name the person, and would make the user again:\n")
		for _, f := range e.Files {
			fmt.Fprintf(&b, "  %s %s (%s)\n", f.Job, f.Name, f.Status)
		}
	}
	switch {
	case e.Compacted:
		b.WriteString("\nThe file of the database was rewritten: it has no bytes of the rows.\n")
	case e.Embedded:
		b.WriteString("\nThe file of the database was kept: its free pages have bytes of the rows until a run without --keep-file.\n")
	default:
		b.WriteString("\nPostgreSQL keeps bytes of the rows until VACUUM has run and the pages are used again, and in archived WAL.\n")
	}
	b.WriteString("Not reached: backups, replicas of backups, and logs. They keep what they have as long as you keep them. See docs/privacy.md.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
