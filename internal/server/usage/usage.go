// Package usage counts the monthly active users of user pools and app clients for the operator.
package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cognate/internal/store"
)

// A Request asks for the active users of some months.
type Request struct {
	Month  string `json:"month,omitempty"`  // the last of the months, as 2026-11; "": the current one
	Months int    `json:"months,omitempty"` // how many; 0: one
	Pool   string `json:"pool,omitempty"`   // "": all
}

// Count is how many users were active in a month.
type Count struct {
	Month string `json:"month"`
	Pool  string `json:"pool"`
	// Client is "" for the pool as a whole.
	Client    string `json:"client,omitempty"`
	Users     int64  `json:"users"`
	Federated int64  `json:"federated"`
}

// maxMonths bounds a request.
const maxMonths = 120

// monthForm is how a month is written.
const monthForm = "2006-01"

// Read returns the counts that a request asks for. now is the clock of the directory, which decides
// the month. The counts in memory must have been written.
func Read(ctx context.Context, st *store.Store, now time.Time, in *Request) ([]Count, error) {
	if in == nil {
		in = &Request{}
	}
	last := now.UTC()
	if in.Month != "" {
		var err error
		if last, err = time.Parse(monthForm, in.Month); err != nil {
			return nil, fmt.Errorf("the month %q is not of the form 2026-11", in.Month)
		}
	}
	months := max(in.Months, 1)
	if months > maxMonths {
		return nil, fmt.Errorf("at most %d months at once", maxMonths)
	}
	var list []Count
	for i := range months {
		// Not from today's date: 30 November less nine months is 30 February.
		month := time.Date(last.Year(), last.Month()-time.Month(months-1-i), 1, 0, 0, 0, 0, time.UTC)
		add := func(c store.ActiveCount) {
			if in.Pool == "" || in.Pool == c.PoolID {
				list = append(list, Count{Month: month.Format(monthForm), Pool: c.PoolID, Client: c.ClientID, Users: c.Users, Federated: c.Federated})
			}
		}
		if err := st.EachActiveCount(ctx, store.MonthOf(month), add); err != nil {
			return nil, err
		}
	}
	if in.Pool != "" && len(list) == 0 {
		if _, err := st.Pool(ctx, in.Pool); errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("there is no user pool %q, and it had no active users in these months", in.Pool)
		}
	}
	return list, nil
}
