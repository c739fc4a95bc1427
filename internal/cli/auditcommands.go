package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"cognate/internal/audit/trail"
	"cognate/internal/audit/trail/inquiry"
	"cognate/internal/server"
)

type auditCommand struct {
	Search     searchAuditCommand     `cmd:"" help:"List records, the newest first."`
	Verify     verifyAuditCommand     `cmd:"" help:"Find records that were changed, removed, reordered or cut off."`
	Checkpoint checkpointAuditCommand `cmd:"" help:"Print a signed checkpoint. Keep it on another machine: it shows later whether the database was rolled back."`
}

type searchAuditCommand struct {
	From    string `placeholder:"TIME" help:"The earliest time: 2026-11-30, 2026-11-30T15:04:05Z, or a duration before now such as 24h. Default 24h."`
	To      string `placeholder:"TIME" help:"The latest time. Default: now."`
	Pool    string `placeholder:"ID" help:"The user pool or identity pool."`
	Event   string `placeholder:"NAME" help:"The operation or page, such as AdminDeleteUser or Token_POST."`
	Sub     string `placeholder:"SUB" help:"The user, by sub. Faster with --pool."`
	Key     string `name:"access-key" placeholder:"ID" help:"The access key that signed."`
	User    string `placeholder:"NAME" help:"The IAM user or session that signed."`
	Error   string `placeholder:"CODE" help:"The error, such as NotAuthorizedException, or any."`
	Request string `name:"request-id" placeholder:"ID" help:"The request."`
	ID      string `name:"event-id" placeholder:"ID" help:"The record."`
	Limit   int    `default:"100" placeholder:"N" help:"The most records that are listed."`
	JSON    bool   `help:"Print each record as CloudTrail's JSON, one on each line."`
}

// anyError is the value of --error that stands for every error.
const anyError = "any"

// Run lists records.
func (s searchAuditCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	in := &inquiry.Request{Do: inquiry.Search, Query: trail.Query{
		EventID: s.ID, Pool: s.Pool, Name: s.Event, Sub: s.Sub, AccessKey: s.Key, Username: s.User, RequestID: s.Request, Error: s.Error,
	}}
	if s.Error == anyError {
		in.Query.Error, in.Query.AnyError = "", true
	}
	if s.From == "" && s.ID == "" && s.Request == "" {
		s.From = "24h"
	}
	var err error
	if in.Query.From, err = auditTime(s.From, c.Now()); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	if in.Query.To, err = auditTime(s.To, c.Now()); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	list := newAuditList(p.Stdout, s.JSON)
	for left := s.Limit; left > 0; {
		in.Limit = min(left, trail.MaxPage)
		out, err := control(ctx, c, server.ControlRequest{Do: server.AskAudit, Audit: in})
		if err != nil {
			return err
		}
		for _, e := range out.Audit.Events {
			list.add(e)
		}
		if left -= len(out.Audit.Events); out.Audit.Next == nil {
			break
		}
		in.After = out.Audit.Next
	}
	return list.end()
}

// auditTime reads a time, or a duration before now.
func auditTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2026-11-30, 2026-11-30T15:04:05Z or 24h", text)
}

// auditList prints records as a table, or as JSON lines.
type auditList struct {
	out   io.Writer
	table *tabwriter.Writer // nil for JSON lines
}

func newAuditList(out io.Writer, asJSON bool) *auditList {
	l := &auditList{out: out}
	if !asJSON {
		l.table = tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(l.table, "TIME\tEVENT\tPOOL\tSUB\tCALLER\tERROR\tREQUEST")
	}
	return l
}

func (l *auditList) add(e inquiry.Event) {
	if l.table == nil {
		fmt.Fprintf(l.out, "%s\n", e.JSON)
		return
	}
	caller := strings.Trim(e.Username+" "+e.AccessKey, " ")
	cells := []string{e.At.UTC().Format(time.RFC3339), e.Name, e.Pool, e.Sub, caller, e.Error, e.RequestID}
	for i, cell := range cells {
		if cell == "" {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(l.table, strings.Join(cells, "\t"))
}

func (l *auditList) end() error {
	if l.table == nil {
		return nil
	}
	return l.table.Flush()
}

type verifyAuditCommand struct {
	Checkpoint string `placeholder:"FILE" help:"A checkpoint that was kept elsewhere. Without it, a database that was rolled back as a whole looks right."`
}

// Run verifies the audit trail.
func (v verifyAuditCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	in := &inquiry.Request{Do: inquiry.Verify}
	if v.Checkpoint != "" {
		text, err := os.ReadFile(v.Checkpoint)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		in.Checkpoint = strings.TrimSpace(string(text))
		if in.Checkpoint == "" {
			return errors.New("checkpoint: the file is empty")
		}
	}
	out, err := control(ctx, c, server.ControlRequest{Do: server.AskAudit, Audit: in})
	if err != nil {
		return err
	}
	r := out.Audit.Report
	for _, f := range r.Findings {
		records := ""
		switch {
		case f.To > f.From:
			records = fmt.Sprintf(" records %d to %d", f.From, f.To)
		case f.From > 0:
			records = fmt.Sprintf(" record %d", f.From)
		}
		fmt.Fprintf(p.Stdout, "%s: chain %s%s: %s\n", f.Kind, f.Chain, records, f.Text)
	}
	if r.More {
		fmt.Fprintln(p.Stdout, "there are more findings than this list has")
	}
	fmt.Fprintf(p.Stdout, "%d records of %d chains, %d checkpoints; %d records are erased, %d requests have no record because the store had failed\n",
		r.Records, r.Chains, r.Checkpoints, r.Erased, r.Lost)
	if len(r.Findings) > 0 {
		fmt.Fprintf(p.Stderr, "cognate: %d findings: the audit trail was changed\n", len(r.Findings))
		return errSilent
	}
	fmt.Fprintln(p.Stdout, "the audit trail is intact")
	return nil
}

type checkpointAuditCommand struct{}

// Run prints a checkpoint.
func (checkpointAuditCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	out, err := control(ctx, c, server.ControlRequest{Do: server.AskAudit, Audit: &inquiry.Request{Do: inquiry.Checkpoint}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, out.Audit.Checkpoint)
	return err
}
