package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
	"cognate/internal/store"
)

// CreateUserPoolClient adds an app client to a pool.
func (s *Service) CreateUserPoolClient(ctx context.Context, in *idp.CreateUserPoolClientRequest) (*idp.CreateUserPoolClientResponse, error) {
	id := ""
	if s.deps.ChosenIDs {
		var err error
		if id, err = chosenid.FromClientName(in.ClientName); err != nil {
			return nil, invalid(err.Error())
		}
	}
	return s.CreateUserPoolClientAs(ctx, in, id)
}

// CreateUserPoolClientAs is CreateUserPoolClient with a valid id of the caller's choice. Only
// development servers may use it. With the empty id the service draws one.
func (s *Service) CreateUserPoolClientAs(ctx context.Context, in *idp.CreateUserPoolClientRequest, id string) (*idp.CreateUserPoolClientResponse, error) {
	if api.Val(in.GenerateSecret) && in.ClientSecret != nil {
		return nil, invalid("ClientSecret can not be given together with GenerateSecret.")
	}
	now := s.now()
	r := store.Client{PoolID: in.UserPoolId, ID: cmp.Or(id, keys.NewClientID()), Name: in.ClientName, Version: firstVersion(id), CreatedAt: now, ModifiedAt: now}
	d := clientSettings{Config: newClientConfig(clientUpdateOf(in), &idp.UserPoolClientType{})}
	switch {
	case in.ClientSecret != nil:
		d.Secrets = []sealedSecret{s.sealSecret(&r, nil, *in.ClientSecret)}
	case api.Val(in.GenerateSecret):
		d.Secrets = []sealedSecret{s.sealSecret(&r, nil, keys.NewClientSecret())}
	}
	var err error
	if r.Doc, err = json.Marshal(d); err != nil {
		return nil, fmt.Errorf("pool: settings of a new client: %w", err)
	}
	// The pool's record is written too: so the quota holds, and no client is added to a
	// pool that is being deleted.
	err = s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		if err := checkClientQuota(ctx, tx, p.ID); err != nil {
			return err
		}
		k := clientCheck{tx: tx, pool: p, settings: doc, confidential: len(d.Secrets) > 0, verb: "creating"}
		if err := k.check(ctx, &d.Config); err != nil {
			return err
		}
		return tx.InsertClient(ctx, r)
	})
	if id != "" && errors.Is(err, store.ErrExists) {
		return nil, invalid("An app client with the id " + id + " exists already.")
	}
	if err != nil {
		return nil, err
	}
	s.clients.Invalidate(r.ID)
	shape, err := s.describeClient(&r, &d)
	if err != nil {
		return nil, err
	}
	return &idp.CreateUserPoolClientResponse{UserPoolClient: shape}, nil
}

// describeClient returns a client as administrators see it, with its first secret in
// clear.
func (s *Service) describeClient(r *store.Client, d *clientSettings) (*idp.UserPoolClientType, error) {
	c, err := s.clientOf(r, d)
	if err != nil {
		return nil, err
	}
	shape := c.Config
	if len(c.Secrets) > 0 {
		shape.ClientSecret = &c.Secrets[0].value
	}
	return &shape, nil
}

// clientRecord reads a client for an administrator, from the database itself.
func clientRecord(ctx context.Context, r *store.Reader, poolID, id string) (*store.Client, *clientSettings, error) {
	c, err := r.Client(ctx, poolID, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, noClient(id)
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := decodeClient(&c)
	return &c, d, err
}

// changeClient is changePool for a client.
func (s *Service) changeClient(ctx context.Context, poolID, id string, fn func(tx *store.Tx, r *store.Client, d *clientSettings, p *store.Pool, doc *settings) error) error {
	err := s.update(ctx, poolID, func(tx *store.Tx) error {
		p, doc, err := s.holdPoolRecord(ctx, tx, poolID)
		if err != nil {
			return err
		}
		r, d, err := clientRecord(ctx, &tx.Reader, poolID, id)
		if err != nil {
			return err
		}
		if err := fn(tx, r, d, p, doc); err != nil {
			return err
		}
		if r.Doc, err = json.Marshal(d); err != nil {
			return fmt.Errorf("pool: settings of client %s: %w", id, err)
		}
		return tx.UpdateClient(ctx, *r)
	})
	s.clients.Invalidate(id)
	return err
}

// UpdateUserPoolClient replaces a client's settings. newClientConfig says what happens to
// members that the request leaves out.
func (s *Service) UpdateUserPoolClient(ctx context.Context, in *idp.UpdateUserPoolClientRequest) (*idp.UpdateUserPoolClientResponse, error) {
	var shape *idp.UserPoolClientType
	err := s.changeClient(ctx, in.UserPoolId, in.ClientId, func(tx *store.Tx, r *store.Client, d *clientSettings, p *store.Pool, doc *settings) error {
		d.Config = newClientConfig(in, &d.Config)
		k := clientCheck{tx: tx, pool: p, settings: doc, confidential: len(d.Secrets) > 0, verb: "updating"}
		if err := k.check(ctx, &d.Config); err != nil {
			return err
		}
		if in.ClientName != nil {
			r.Name = *in.ClientName
		}
		r.ModifiedAt = s.now()
		var err error
		shape, err = s.describeClient(r, d)
		return err
	})
	if err != nil {
		return nil, conflict(err)
	}
	return &idp.UpdateUserPoolClientResponse{UserPoolClient: shape}, nil
}

// DescribeUserPoolClient returns a client's settings, including its secret.
func (s *Service) DescribeUserPoolClient(ctx context.Context, in *idp.DescribeUserPoolClientRequest) (*idp.DescribeUserPoolClientResponse, error) {
	r, d, err := s.readClient(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	shape, err := s.describeClient(r, d)
	if err != nil {
		return nil, err
	}
	return &idp.DescribeUserPoolClientResponse{UserPoolClient: shape}, nil
}

func (s *Service) readClient(ctx context.Context, poolID, id string) (*store.Client, *clientSettings, error) {
	if _, _, err := poolRecord(ctx, &s.deps.Store.Reader, poolID); err != nil {
		return nil, nil, err
	}
	return clientRecord(ctx, &s.deps.Store.Reader, poolID, id)
}

// DeleteUserPoolClient deletes a client. Its tokens stop working.
func (s *Service) DeleteUserPoolClient(ctx context.Context, in *idp.DeleteUserPoolClientRequest) error {
	err := s.update(ctx, in.UserPoolId, func(tx *store.Tx) error {
		if _, _, err := s.holdPoolRecord(ctx, tx, in.UserPoolId); err != nil {
			return err
		}
		err := tx.DeleteClient(ctx, in.UserPoolId, in.ClientId)
		if errors.Is(err, store.ErrNotFound) {
			return noClient(in.ClientId)
		}
		return err
	})
	s.clients.Invalidate(in.ClientId)
	return conflict(err)
}

// maxClientPage is the largest page of ListUserPoolClients.
const maxClientPage = 60

// ListUserPoolClients lists a pool's clients by id. A list that is filtered by type may have
// short or empty pages before its last page.
func (s *Service) ListUserPoolClients(ctx context.Context, in *idp.ListUserPoolClientsRequest) (*idp.ListUserPoolClientsResponse, error) {
	if _, _, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId); err != nil {
		return nil, err
	}
	bind := []string{in.UserPoolId, string(in.ClientType)}
	var after string
	if err := s.pages.open("ListUserPoolClients", bind, in.NextToken, &after); err != nil {
		return nil, err
	}
	out := &idp.ListUserPoolClientsResponse{UserPoolClients: []idp.UserPoolClientDescription{}}
	limit := pageSize(in.MaxResults, maxClientPage)
	list, err := s.deps.Store.Clients(ctx, in.UserPoolId, after, limit+1)
	if err != nil {
		return nil, err
	}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = s.pages.next("ListUserPoolClients", bind, list[limit-1].ID)
	}
	for i := range list {
		show, err := isOfType(&list[i], in.ClientType)
		if err != nil {
			return nil, err
		}
		if !show {
			continue
		}
		out.UserPoolClients = append(out.UserPoolClients, idp.UserPoolClientDescription{
			ClientId: &list[i].ID, UserPoolId: &list[i].PoolID, ClientName: &list[i].Name,
		})
	}
	return out, nil
}
