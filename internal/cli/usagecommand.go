package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"cognate/internal/server"
	"cognate/internal/server/usage"
)

type usageCommand struct {
	Month  string `placeholder:"YYYY-MM" help:"The month, in UTC. Default: the current month."`
	Months int    `default:"1" placeholder:"N" help:"How many months: those up to the month."`
	Pool   string `placeholder:"ID" help:"Only this user pool. It may have been deleted."`
	JSON   bool   `name:"json" help:"Print a JSON array."`
}

// Run prints the monthly active users.
func (u usageCommand) Run(ctx context.Context, c *server.Config, p *Process) error {
	forOperator(c)
	out, err := control(ctx, c, server.ControlRequest{Do: server.ReadUsage, Usage: &usage.Request{Month: u.Month, Months: u.Months, Pool: u.Pool}})
	if err != nil {
		return err
	}
	if u.JSON {
		list := out.Usage
		if list == nil {
			list = []usage.Count{}
		}
		enc := json.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "MONTH\tPOOL\tCLIENT\tACTIVE USERS\tFEDERATED")
	for _, u := range out.Usage {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\n", u.Month, u.Pool, cmp.Or(u.Client, "(all)"), u.Users, u.Federated)
	}
	return w.Flush()
}
