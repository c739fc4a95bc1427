package server

import (
	"context"
	"fmt"
	"time"

	"cognate/internal/keys"
	"cognate/internal/server/datakeys"
	"cognate/internal/store"
	"cognate/internal/token"
)

// A Retirement says what the retirement of all keys did, or would do.
type Retirement struct {
	Done       bool          `json:"done"`
	KEK        string        `json:"kek,omitempty"` // the id of the new key-encryption key
	AccessKeys int           `json:"accessKeys"`
	Pools      []RetiredPool `json:"pools"`
}

// A RetiredPool is a pool whose users are signed out.
type RetiredPool struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Users int64  `json:"users"`
}

// renewTime is the longest that a retirement makes new signing keys. The remaining pools
// get their keys when they need them.
const renewTime = time.Minute

// retire retires all keys in one transaction: a kill leaves all or nothing done. A
// second run retires the keys of the first.
func (o *operator) retire(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	var to *keys.KEK
	out := &Retirement{Done: in.Now}
	if in.KEK != "" {
		var err error
		if to, err = keys.ParseKEK(in.KEK); err != nil {
			return ControlResponse{}, err
		}
		out.KEK = to.ID()
	}
	if err := o.describe(ctx, out); err != nil || !in.Now {
		return ControlResponse{Retirement: out}, err
	}
	err := o.store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.DataKeys(ctx)
		if err != nil {
			return err
		}
		records, err := datakeys.Records(rows)
		if err != nil {
			return err
		}
		if records, err = o.ring.Retire(ctx, to, records, o.now()); err != nil {
			return err
		}
		return tx.ReplaceDataKeys(ctx, datakeys.Rows(records))
	})
	if err != nil {
		return ControlResponse{}, err
	}
	if to != nil {
		o.ring.UseKEK(to)
	}
	if err := o.ring.Refresh(ctx); err != nil {
		return ControlResponse{}, fmt.Errorf("the keys are retired, but this process cannot load the new ones: %w", err)
	}
	o.renew(ctx)
	return ControlResponse{Retirement: out}, nil
}

// describe lists the users that a retirement signs out and what it cannot replace.
func (o *operator) describe(ctx context.Context, out *Retirement) error {
	list, err := o.store.AccessKeys(ctx)
	if err != nil {
		return err
	}
	out.AccessKeys = len(list)
	return o.store.EachPool(ctx, func(id string) error {
		pool, err := o.store.Pool(ctx, id)
		if err != nil {
			return err
		}
		users, err := o.store.EstimateUsers(ctx, id)
		out.Pools = append(out.Pools, RetiredPool{ID: id, Name: pool.Name, Users: users})
		return err
	})
}

// renew makes new signing keys, so that no sign-in has to wait for them. A pool whose
// keys cannot be made now gets them with its next sign-in.
func (o *operator) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	_ = o.store.EachPool(ctx, func(id string) error { return o.services.tokens.Renew(ctx, id) })
	for _, owner := range token.Owners() {
		_ = o.services.tokens.Renew(ctx, owner)
	}
}
