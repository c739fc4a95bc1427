package identitypool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
	"cognate/internal/store"
)

// Quotas (Cognito: quotas in identity pools).
const (
	maxUserPools = 50
	maxTags      = 50
)

// CreateIdentityPool makes a pool.
func (s *Service) CreateIdentityPool(ctx context.Context, in *identity.CreateIdentityPoolInput) (*identity.IdentityPool, error) {
	id := ""
	if s.deps.ChosenIDs {
		var err error
		if id, err = chosenid.FromIdentityPoolTags(in.IdentityPoolTags, api.RequestFrom(ctx).Region); err != nil {
			return nil, invalid(err.Error())
		}
	}
	return s.CreateIdentityPoolAs(ctx, in, id)
}

// CreateIdentityPoolAs is CreateIdentityPool with a valid id of the caller's choice. Only
// development servers may use it. With the empty id the service draws one.
func (s *Service) CreateIdentityPoolAs(ctx context.Context, in *identity.CreateIdentityPoolInput, id string) (*identity.IdentityPool, error) {
	region := regionOf(ctx)
	p := &Pool{ID: cmp.Or(id, newID(region)), Region: region, Name: in.IdentityPoolName, Version: 1}
	if id != "" {
		region = chosenid.RegionOf(id)
		p.Region = region
		p.Version = keys.NewVersion() // A deleted pool with the id may be in the cache.
	}
	p.set(&identity.IdentityPool{
		AllowUnauthenticatedIdentities: in.AllowUnauthenticatedIdentities, AllowClassicFlow: in.AllowClassicFlow,
		SupportedLoginProviders: in.SupportedLoginProviders, OpenIdConnectProviderARNs: in.OpenIdConnectProviderARNs,
		CognitoIdentityProviders: in.CognitoIdentityProviders, SamlProviderARNs: in.SamlProviderARNs,
	})
	p.Developer, p.Tags = api.Val(in.DeveloperProviderName), in.IdentityPoolTags
	if err := s.check(p); err != nil {
		return nil, err
	}
	now := s.deps.Now()
	doc, err := json.Marshal(&p.settings)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetPool(p.ID)
	r := store.IdentityPool{ID: p.ID, Region: region, Name: p.Name, Version: p.Version, CreatedAt: now, ModifiedAt: now, Doc: doc}
	err = store.Again(ctx, func() error { return s.insert(ctx, r, id != "") })
	if errors.Is(err, store.ErrExists) {
		return nil, invalid("An identity pool with the id " + p.ID + " exists already.")
	}
	if err != nil {
		return nil, err
	}
	s.pools.Invalidate(p.ID)
	return p.shape(), nil
}

// insert stores a new pool. If its id was chosen, all rows of a deleted pool with the id are removed
// before.
func (s *Service) insert(ctx context.Context, r store.IdentityPool, chosen bool) error {
	if !chosen {
		return s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.InsertIdentityPool(ctx, r) })
	}
	if err := s.deps.Store.ClearDeleted(ctx, r.ID); err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.ReuseID(ctx, r.ID); err != nil {
			return err
		}
		return tx.InsertIdentityPool(ctx, r)
	})
}

// set replaces the settings that UpdateIdentityPool replaces.
func (p *Pool) set(in *identity.IdentityPool) {
	p.AllowGuests, p.AllowClassic = in.AllowUnauthenticatedIdentities, api.Val(in.AllowClassicFlow)
	p.Social, p.OIDC, p.SAML, p.UserPools = in.SupportedLoginProviders, in.OpenIdConnectProviderARNs, in.SamlProviderARNs, nil
	for _, c := range in.CognitoIdentityProviders {
		p.UserPools = append(p.UserPools, userPool{api.Val(c.ProviderName), api.Val(c.ClientId), api.Val(c.ServerSideTokenCheck)})
	}
}

var (
	oidcARN = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:oidc-provider/.+$`)
	samlARN = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:saml-provider/.+$`)
)

// socialProviders are the keys of SupportedLoginProviders.
var socialProviders = []string{"accounts.google.com", "api.twitter.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com", "www.digits.com"}

// check rejects settings that the model allows and a pool does not.
func (s *Service) check(p *Pool) error {
	for _, key := range slices.Sorted(maps.Keys(p.Social)) {
		if !slices.Contains(socialProviders, key) {
			return invalid("Please provide a valid public provider.")
		}
	}
	for _, u := range p.UserPools {
		if _, id, ok := cutProvider(u.Name); !ok || id == "" || u.ClientID == "" {
			return invalid("Invalid Cognito Identity Provider: ProviderName and ClientId are required")
		}
	}
	if len(p.UserPools) > maxUserPools {
		return identity.LimitExceededExceptionf("An identity pool can have %d Cognito identity providers at most.", maxUserPools).WithReason(api.ReasonQuota)
	}
	for _, list := range []struct {
		arns []string
		form *regexp.Regexp
	}{{p.OIDC, oidcARN}, {p.SAML, samlARN}} {
		for _, arn := range list.arns {
			if !list.form.MatchString(arn) {
				return invalid("Invalid provider ARN: " + arn)
			}
		}
	}
	return checkTags(p.Tags, p.Tags)
}

func checkTags(all, changed map[string]string) error {
	if len(all) > maxTags {
		return invalid("An identity pool can have 50 tags at most.")
	}
	for key := range changed {
		if isAWSTag(key) {
			return invalid("Tag keys can not begin with aws:, which is reserved: " + key)
		}
	}
	return nil
}

// cutProvider splits the name of a user pool: host and id.
func cutProvider(name string) (host, id string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i <= 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}

// shape returns the pool as the API shows it.
func (p *Pool) shape() *identity.IdentityPool {
	out := &identity.IdentityPool{
		IdentityPoolId: p.ID, IdentityPoolName: p.Name, AllowUnauthenticatedIdentities: p.AllowGuests, AllowClassicFlow: new(p.AllowClassic),
		SupportedLoginProviders: p.Social, OpenIdConnectProviderARNs: p.OIDC, SamlProviderARNs: p.SAML, IdentityPoolTags: p.Tags,
	}
	if p.Developer != "" {
		out.DeveloperProviderName = &p.Developer
	}
	for i := range p.UserPools {
		u := &p.UserPools[i]
		out.CognitoIdentityProviders = append(out.CognitoIdentityProviders, identity.CognitoIdentityProvider{
			ProviderName: &u.Name, ClientId: &u.ClientID, ServerSideTokenCheck: &u.Check,
		})
	}
	return out
}

// UpdateIdentityPool replaces the settings. The developer provider and the tags stay if the
// request does not have them.
func (s *Service) UpdateIdentityPool(ctx context.Context, in *identity.IdentityPool) (*identity.IdentityPool, error) {
	audit.From(ctx).SetPool(in.IdentityPoolId)
	p, err := s.changePool(ctx, in.IdentityPoolId, func(p *Pool) error {
		if developer := api.Val(in.DeveloperProviderName); developer != "" && p.Developer != "" && developer != p.Developer {
			return invalid("The developer provider name cannot be changed.")
		} else if developer != "" {
			p.Developer = developer
		}
		p.Name = in.IdentityPoolName
		p.set(in)
		if in.IdentityPoolTags != nil {
			p.Tags = in.IdentityPoolTags
		}
		return s.check(p)
	})
	if err != nil {
		return nil, err
	}
	return p.shape(), nil
}

// DescribeIdentityPool shows a pool.
func (s *Service) DescribeIdentityPool(ctx context.Context, in *identity.DescribeIdentityPoolInput) (*identity.IdentityPool, error) {
	p, err := s.read(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	return p.shape(), nil
}

// read returns a pool from the database itself, for an administrator: a change that another node
// has just made is seen.
func (s *Service) read(ctx context.Context, id string) (*Pool, error) {
	audit.From(ctx).SetPool(id)
	r, err := s.deps.Store.IdentityPool(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !visible(ctx, r.Region) {
		return nil, noPool(id)
	}
	if err != nil {
		return nil, err
	}
	return decodePool(&r)
}

// DeleteIdentityPool deletes a pool with its identities.
func (s *Service) DeleteIdentityPool(ctx context.Context, in *identity.DeleteIdentityPoolInput) error {
	p, err := s.read(ctx, in.IdentityPoolId)
	if err != nil {
		return err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteIdentityPool(ctx, p.ID) })
	s.pools.Invalidate(p.ID)
	if errors.Is(err, store.ErrNotFound) {
		return noPool(p.ID)
	}
	return err
}

// ListIdentityPools lists the pools of the Region, the oldest first.
func (s *Service) ListIdentityPools(ctx context.Context, in *identity.ListIdentityPoolsInput) (*identity.ListIdentityPoolsResponse, error) {
	const op = "ListIdentityPools"
	region := regionOf(ctx)
	place, err := s.openPage(op, []string{region}, in.NextToken)
	if err != nil {
		return nil, err
	}
	var after store.PoolCursor
	if at, id, ok := strings.Cut(place, " "); ok {
		after.ID = id
		if after.CreatedAt, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, invalid("Invalid pagination token provided")
		}
	}
	limit := int(in.MaxResults)
	list, err := s.deps.Store.IdentityPools(ctx, region, after, limit+1)
	if err != nil {
		return nil, err
	}
	out := &identity.ListIdentityPoolsResponse{IdentityPools: []identity.IdentityPoolShortDescription{}}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		out.NextToken = s.nextPage(op, []string{region}, last.CreatedAt.Format(time.RFC3339Nano)+" "+last.ID)
	}
	for i := range list {
		out.IdentityPools = append(out.IdentityPools, identity.IdentityPoolShortDescription{IdentityPoolId: &list[i].ID, IdentityPoolName: &list[i].Name})
	}
	return out, nil
}
