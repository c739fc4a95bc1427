package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// CreateUserPool makes a pool in the caller's Region.
func (s *Service) CreateUserPool(ctx context.Context, in *idp.CreateUserPoolRequest) (*idp.CreateUserPoolResponse, error) {
	id := ""
	if s.deps.ChosenIDs {
		var err error
		if id, err = chosenid.FromUserPoolTags(in.UserPoolTags, api.RequestFrom(ctx).Region); err != nil {
			return nil, invalid(err.Error())
		}
	}
	return s.CreateUserPoolAs(ctx, in, id)
}

// CreateUserPoolAs is CreateUserPool with a valid id of the caller's choice. Only development
// servers may use it. With the empty id the service draws one.
func (s *Service) CreateUserPoolAs(ctx context.Context, in *idp.CreateUserPoolRequest, id string) (*idp.CreateUserPoolResponse, error) {
	region := regionOf(ctx)
	if id != "" {
		region = chosenid.RegionOf(id)
	}
	p, doc, err := s.newPool(in, id, region)
	if err != nil {
		return nil, err
	}
	insert := func(tx *store.Tx) error {
		if err := checkPoolQuota(ctx, tx, region); err != nil {
			return err
		}
		if err := tx.InsertPool(ctx, *p); err != nil {
			return err
		}
		for _, hook := range s.deps.OnCreate {
			if err := hook(ctx, tx, p.ID); err != nil {
				return err
			}
		}
		return nil
	}
	if id == "" {
		err = s.update(ctx, p.ID, insert)
	} else {
		err = s.insertChosen(ctx, id, insert)
	}
	if err != nil {
		return nil, err
	}
	c := s.snapshotOf(p, doc).Config
	c.EstimatedNumberOfUsers = new(int32(0))
	return &idp.CreateUserPoolResponse{UserPool: &c}, nil
}

// newPool checks the settings of a new pool and returns its record.
func (s *Service) newPool(in *idp.CreateUserPoolRequest, id, region string) (*store.Pool, *settings, error) {
	doc, err := newSettings(in, region)
	if err != nil {
		return nil, nil, err
	}
	if err := checkTier(doc.Config.UserPoolTier, doc); err != nil {
		return nil, nil, err
	}
	if err := checkImplemented(doc); err != nil {
		return nil, nil, err
	}
	if err := s.checkSenderKey(doc.Config.LambdaConfig); err != nil {
		return nil, nil, err
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, nil, fmt.Errorf("pool: settings of a new pool: %w", err)
	}
	now := s.now()
	return &store.Pool{
		ID: cmp.Or(id, keys.NewPoolID(region)), Region: region, Name: in.PoolName, Version: firstVersion(id),
		CreatedAt: now, ModifiedAt: now, Doc: b,
	}, doc, nil
}

// UpdateUserPool changes a pool. applyKept and applyDefaulted say what happens to
// members that the request leaves out.
func (s *Service) UpdateUserPool(ctx context.Context, in *idp.UpdateUserPoolRequest) (*idp.UpdateUserPoolResponse, error) {
	err := s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		if err := checkNotImporting(ctx, tx, p.ID); err != nil {
			return err
		}
		old := doc.Config.UserPoolTier
		if err := doc.apply(in, p.Region); err != nil {
			return err
		}
		var others []feature
		if tierRank[doc.Config.UserPoolTier] < tierRank[old] {
			var err error
			if others, err = featuresInUse(ctx, tx, p.ID); err != nil {
				return err
			}
		}
		if err := checkTier(old, doc, others...); err != nil {
			return err
		}
		if err := checkImplemented(doc); err != nil {
			return err
		}
		if err := s.checkSenderKey(doc.Config.LambdaConfig); err != nil {
			return err
		}
		if in.PoolName != nil {
			p.Name = *in.PoolName
		}
		p.ModifiedAt = s.now()
		return nil
	})
	if err != nil {
		return nil, conflict(err)
	}
	return &idp.UpdateUserPoolResponse{}, nil
}

// featuresInUse returns the features of plans that the pool's domains and clients use.
func featuresInUse(ctx context.Context, tx *store.Tx, poolID string) ([]feature, error) {
	var on []feature
	domains, err := tx.DomainsOf(ctx, poolID)
	if err != nil {
		return nil, err
	}
	for i := range domains {
		d, err := decodeDomain(&domains[i])
		if err != nil {
			return nil, err
		}
		if d.ManagedLoginVersion == managedLogin {
			on = append(on, featureManagedLogin)
		}
	}
	const page = 100
	for after := ""; ; {
		clients, err := tx.Clients(ctx, poolID, after, page)
		if err != nil {
			return nil, err
		}
		for i := range clients {
			c, err := decodeClient(&clients[i])
			if err != nil {
				return nil, err
			}
			if r := c.Config.RefreshTokenRotation; r != nil && r.Feature == idp.FeatureTypeEnabled {
				return append(on, featureRotation), nil
			}
		}
		if len(clients) < page {
			return on, nil
		}
		after = clients[len(clients)-1].ID
	}
}

// DescribeUserPool returns a pool's settings.
func (s *Service) DescribeUserPool(ctx context.Context, in *idp.DescribeUserPoolRequest) (*idp.DescribeUserPoolResponse, error) {
	p, doc, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	users, err := s.deps.Store.EstimateUsers(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	c := s.snapshotOf(p, doc).Config
	c.EstimatedNumberOfUsers = new(int32(min(users, 1<<31-1)))
	return &idp.DescribeUserPoolResponse{UserPool: &c}, nil
}

// DeleteUserPool deletes a pool with all that belongs to it.
func (s *Service) DeleteUserPool(ctx context.Context, in *idp.DeleteUserPoolRequest) error {
	err := s.update(ctx, in.UserPoolId, func(tx *store.Tx) error {
		p, doc, err := poolRecord(ctx, &tx.Reader, in.UserPoolId)
		if err != nil {
			return err
		}
		switch c := &doc.Config; {
		case c.DeletionProtection == idp.DeletionProtectionTypeActive:
			return invalid("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
		case c.Domain != nil || c.CustomDomain != nil:
			return invalid("User pool cannot be deleted. It has a domain configured that should be deleted first.")
		}
		if err := checkNotImporting(ctx, tx, p.ID); err != nil {
			return err
		}
		return tx.DeletePool(ctx, p.ID)
	})
	s.pools.Invalidate(in.UserPoolId)
	return err
}

// ListUserPools lists the pools of the caller's Region, the oldest first.
func (s *Service) ListUserPools(ctx context.Context, in *idp.ListUserPoolsRequest) (*idp.ListUserPoolsResponse, error) {
	region := regionOf(ctx)
	var after store.PoolCursor
	if err := s.pages.open("ListUserPools", []string{region}, in.NextToken, &after); err != nil {
		return nil, err
	}
	limit := int(in.MaxResults)
	list, err := s.deps.Store.Pools(ctx, region, after, limit+1)
	if err != nil {
		return nil, err
	}
	out := &idp.ListUserPoolsResponse{UserPools: []idp.UserPoolDescriptionType{}}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		out.NextToken = s.pages.next("ListUserPools", []string{region}, store.PoolCursor{CreatedAt: last.CreatedAt, ID: last.ID})
	}
	for i := range list {
		p := &list[i]
		doc, err := decodeSettings(p)
		if err != nil {
			return nil, err
		}
		out.UserPools = append(out.UserPools, idp.UserPoolDescriptionType{
			Id: &p.ID, Name: &p.Name, LambdaConfig: doc.Config.LambdaConfig, LastModifiedDate: p.ModifiedAt, CreationDate: p.CreatedAt,
		})
	}
	return out, nil
}

// AddCustomAttributes adds attributes to a pool's schema. No operation removes any.
func (s *Service) AddCustomAttributes(ctx context.Context, in *idp.AddCustomAttributesRequest) (*idp.AddCustomAttributesResponse, error) {
	err := s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		if err := checkNotImporting(ctx, tx, p.ID); err != nil {
			return err
		}
		list, err := schema.AppendAll(doc.Config.SchemaAttributes, in.CustomAttributes)
		if err != nil {
			return err
		}
		doc.Config.SchemaAttributes = list
		p.ModifiedAt = s.now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &idp.AddCustomAttributesResponse{}, nil
}
