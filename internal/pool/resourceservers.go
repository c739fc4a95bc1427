package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// resourceServer is the stored document of a resource server.
type resourceServer struct {
	Name   string
	Scopes []idp.ResourceServerScopeType
}

func decodeResourceServer(i *store.Item) (*resourceServer, error) {
	var r resourceServer
	if err := json.Unmarshal(i.Doc, &r); err != nil {
		return nil, fmt.Errorf("pool: settings of resource server %s: %w", i.Key, err)
	}
	return &r, nil
}

func (r *resourceServer) shape(i *store.Item) *idp.ResourceServerType {
	return &idp.ResourceServerType{UserPoolId: new(i.PoolID), Identifier: new(i.Key), Name: &r.Name, Scopes: r.Scopes}
}

func noResourceServer(id string) error {
	return idp.ResourceNotFoundException("Resource server " + id + " does not exist.").WithReason(api.ReasonNotFound)
}

func checkScopes(list []idp.ResourceServerScopeType) error {
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if seen[s.ScopeName] {
			return invalid("Duplicate scope name: " + s.ScopeName)
		}
		seen[s.ScopeName] = true
	}
	return nil
}

// CreateResourceServer adds an API that clients can ask scopes of.
func (s *Service) CreateResourceServer(ctx context.Context, in *idp.CreateResourceServerRequest) (*idp.CreateResourceServerResponse, error) {
	if standardScopes[in.Identifier] || strings.HasPrefix(in.Identifier, "aws.cognito") {
		return nil, invalid("The identifier " + in.Identifier + " is reserved.")
	}
	if err := checkScopes(in.Scopes); err != nil {
		return nil, err
	}
	r := resourceServer{Name: in.Name, Scopes: in.Scopes}
	doc, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("pool: settings of a resource server: %w", err)
	}
	now := s.now()
	item := store.Item{PoolID: in.UserPoolId, Kind: store.KindResourceServer, Key: in.Identifier, CreatedAt: now, ModifiedAt: now, Doc: doc}
	// The pool's record is written too, so that the quota holds and nothing is
	// added to a pool that is being deleted.
	err = s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, _ *settings) error {
		if err := checkResourceServerQuota(ctx, tx, p.ID); err != nil {
			return err
		}
		err := tx.InsertItem(ctx, item)
		if errors.Is(err, store.ErrExists) {
			return invalid(in.Identifier + " already exists in user pool " + p.ID + ".")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.CreateResourceServerResponse{ResourceServer: r.shape(&item)}, nil
}

// UpdateResourceServer replaces a resource server's name and scopes. Clients keep
// scopes that are gone, but get them no more.
func (s *Service) UpdateResourceServer(ctx context.Context, in *idp.UpdateResourceServerRequest) (*idp.UpdateResourceServerResponse, error) {
	if err := checkScopes(in.Scopes); err != nil {
		return nil, err
	}
	r := resourceServer{Name: in.Name, Scopes: in.Scopes}
	doc, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("pool: settings of a resource server: %w", err)
	}
	var item store.Item
	err = s.update(ctx, in.UserPoolId, func(tx *store.Tx) error {
		if _, _, err := s.heldPool(ctx, tx, in.UserPoolId); err != nil {
			return err
		}
		var err error
		if item, err = readResourceServer(ctx, &tx.Reader, in.UserPoolId, in.Identifier); err != nil {
			return err
		}
		item.Doc, item.ModifiedAt = doc, s.now()
		return tx.UpdateItem(ctx, item)
	})
	if err != nil {
		return nil, err
	}
	return &idp.UpdateResourceServerResponse{ResourceServer: r.shape(&item)}, nil
}

func readResourceServer(ctx context.Context, r *store.Reader, poolID, id string) (store.Item, error) {
	item, err := r.Item(ctx, poolID, store.KindResourceServer, id)
	if errors.Is(err, store.ErrNotFound) {
		return item, noResourceServer(id)
	}
	return item, err
}

// DescribeResourceServer tells a resource server's scopes.
func (s *Service) DescribeResourceServer(ctx context.Context, in *idp.DescribeResourceServerRequest) (*idp.DescribeResourceServerResponse, error) {
	if _, _, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId); err != nil {
		return nil, err
	}
	item, err := readResourceServer(ctx, &s.deps.Store.Reader, in.UserPoolId, in.Identifier)
	if err != nil {
		return nil, err
	}
	r, err := decodeResourceServer(&item)
	if err != nil {
		return nil, err
	}
	return &idp.DescribeResourceServerResponse{ResourceServer: r.shape(&item)}, nil
}

// DeleteResourceServer removes a resource server.
func (s *Service) DeleteResourceServer(ctx context.Context, in *idp.DeleteResourceServerRequest) error {
	return s.update(ctx, in.UserPoolId, func(tx *store.Tx) error {
		if _, _, err := s.heldPool(ctx, tx, in.UserPoolId); err != nil {
			return err
		}
		err := tx.DeleteItem(ctx, in.UserPoolId, store.KindResourceServer, in.Identifier)
		if errors.Is(err, store.ErrNotFound) {
			return noResourceServer(in.Identifier)
		}
		return err
	})
}

// maxResourceServerPage is the largest page of ListResourceServers.
const maxResourceServerPage = 50

// ListResourceServers lists a pool's resource servers by identifier.
func (s *Service) ListResourceServers(ctx context.Context, in *idp.ListResourceServersRequest) (*idp.ListResourceServersResponse, error) {
	if _, _, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId); err != nil {
		return nil, err
	}
	bind := []string{in.UserPoolId}
	var after string
	if err := s.openPage("ListResourceServers", bind, in.NextToken, &after); err != nil {
		return nil, err
	}
	limit := pageSize(in.MaxResults, maxResourceServerPage)
	list, err := s.deps.Store.Items(ctx, in.UserPoolId, store.KindResourceServer, after, limit+1)
	if err != nil {
		return nil, err
	}
	out := &idp.ListResourceServersResponse{ResourceServers: []idp.ResourceServerType{}}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = s.nextPage("ListResourceServers", bind, list[limit-1].Key)
	}
	for i := range list {
		r, err := decodeResourceServer(&list[i])
		if err != nil {
			return nil, err
		}
		out.ResourceServers = append(out.ResourceServers, *r.shape(&list[i]))
	}
	return out, nil
}
