package pool

import (
	"context"
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

var resourceServerKind = Kind{
	Name: store.KindResourceServer, Most: maxResourceServers, ListOp: "ListResourceServers",
	NotFound: func(id string) error {
		return idp.ResourceNotFoundException("Resource server " + id + " does not exist.").WithReason(api.ReasonNotFound)
	},
	Exists:   func(poolID, id string) error { return invalid(id + " already exists in user pool " + poolID + ".") },
	FullText: "Resource servers cannot exceed limit of %d in a user pool.",
}

func describeResourceServer(i *Item[resourceServer]) *idp.ResourceServerType {
	return &idp.ResourceServerType{UserPoolId: &i.PoolID, Identifier: &i.Key, Name: &i.Doc.Name, Scopes: i.Doc.Scopes}
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
	var item *Item[resourceServer]
	err := s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, _ *settings) (err error) {
		item, err = s.resourceServers.Create(ctx, tx, p.ID, in.Identifier, resourceServer{Name: in.Name, Scopes: in.Scopes})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.CreateResourceServerResponse{ResourceServer: describeResourceServer(item)}, nil
}

// UpdateResourceServer replaces a resource server's name and scopes. Clients keep the scopes that no longer exist, but
// tokens do not have them.
func (s *Service) UpdateResourceServer(ctx context.Context, in *idp.UpdateResourceServerRequest) (*idp.UpdateResourceServerResponse, error) {
	if err := checkScopes(in.Scopes); err != nil {
		return nil, err
	}
	var item *Item[resourceServer]
	err := s.update(ctx, in.UserPoolId, func(tx *store.Tx) error {
		if _, _, err := s.holdPoolRecord(ctx, tx, in.UserPoolId); err != nil {
			return err
		}
		var err error
		item, err = s.resourceServers.Change(ctx, tx, in.UserPoolId, in.Identifier, func(r *resourceServer) error {
			*r = resourceServer{Name: in.Name, Scopes: in.Scopes}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.UpdateResourceServerResponse{ResourceServer: describeResourceServer(item)}, nil
}

// DescribeResourceServer returns a resource server and its scopes.
func (s *Service) DescribeResourceServer(ctx context.Context, in *idp.DescribeResourceServerRequest) (*idp.DescribeResourceServerResponse, error) {
	if _, _, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId); err != nil {
		return nil, err
	}
	item, err := s.resourceServers.Get(ctx, in.UserPoolId, in.Identifier)
	if err != nil {
		return nil, err
	}
	return &idp.DescribeResourceServerResponse{ResourceServer: describeResourceServer(item)}, nil
}

// DeleteResourceServer removes a resource server.
func (s *Service) DeleteResourceServer(ctx context.Context, in *idp.DeleteResourceServerRequest) error {
	return s.update(ctx, in.UserPoolId, func(tx *store.Tx) error {
		if _, _, err := s.holdPoolRecord(ctx, tx, in.UserPoolId); err != nil {
			return err
		}
		return s.resourceServers.Delete(ctx, tx, in.UserPoolId, in.Identifier)
	})
}

// maxResourceServerPage is the largest page of ListResourceServers.
const maxResourceServerPage = 50

// ListResourceServers lists a pool's resource servers by identifier.
func (s *Service) ListResourceServers(ctx context.Context, in *idp.ListResourceServersRequest) (*idp.ListResourceServersResponse, error) {
	if _, _, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId); err != nil {
		return nil, err
	}
	list, next, err := s.resourceServers.Page(ctx, in.UserPoolId, in.NextToken, pageSize(in.MaxResults, maxResourceServerPage))
	if err != nil {
		return nil, err
	}
	out := &idp.ListResourceServersResponse{ResourceServers: []idp.ResourceServerType{}, NextToken: next}
	for _, i := range list {
		out.ResourceServers = append(out.ResourceServers, *describeResourceServer(i))
	}
	return out, nil
}
