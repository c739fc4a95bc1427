package seed

import (
	"fmt"
	"io"

	"cognate/internal/document"
)

// A Result says what a seed has brought into line.
type Result struct {
	UserPools []AppliedPool
	// IdentityPools are the ids of identity pools.
	IdentityPools []string
	Roles         int
	// Skipped says which users of cognito-local were left out, and why.
	Skipped []string
}

// An AppliedPool is a user pool of a seed.
type AppliedPool struct {
	ID, Name string
	Created  bool
	Clients  []AppliedClient
	Users    int
}

// An AppliedClient is an app client of a seed.
type AppliedClient struct{ ID, Name string }

// Print writes the ids for people, indented as the text of a starting server. Nil writes nothing.
func (r *Result) Print(w io.Writer) {
	if r == nil {
		return
	}
	for _, p := range r.UserPools {
		fmt.Fprintf(w, "  user pool       %s (%s), users of the seed: %d\n", p.ID, document.Printable(p.Name), p.Users)
		for _, k := range p.Clients {
			fmt.Fprintf(w, "    app client    %s (%s)\n", k.ID, document.Printable(k.Name))
		}
	}
	for _, id := range r.IdentityPools {
		fmt.Fprintf(w, "  identity pool   %s\n", id)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "  left out        %s\n", document.Printable(s))
	}
	fmt.Fprintln(w)
}
