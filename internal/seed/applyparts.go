package seed

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// memberNames returns the names of the members of a request.
func memberNames[T any]() []string {
	t := reflect.TypeFor[T]()
	names := make([]string, 0, t.NumField())
	for f := range t.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// optional returns a pointer to a text, nil for the empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// domain creates a domain of a pool or brings it into line.
func (a *applier) domain(ctx context.Context, pool string, d *Domain, custom bool) error {
	var config *idp.CustomDomainConfigType
	if custom {
		config = &idp.CustomDomainConfigType{CertificateArn: d.CertificateARN}
	}
	var current *idp.DomainDescriptionType
	find := func() (bool, error) {
		out, err := a.deps.UserPools.DescribeUserPoolDomain(ctx, &idp.DescribeUserPoolDomainRequest{Domain: d.Name})
		if err != nil {
			return false, err
		}
		current = out.DomainDescription
		switch owner := api.Val(current.UserPoolId); owner {
		case "":
			return false, a.noOtherDomain(ctx, pool, custom)
		case pool:
			return true, nil
		default:
			return false, fmt.Errorf("the domain %s belongs to the user pool %s", d.Name, owner)
		}
	}
	create := func() error {
		_, err := a.deps.UserPools.CreateUserPoolDomain(ctx, &idp.CreateUserPoolDomainRequest{
			Domain: d.Name, UserPoolId: pool, ManagedLoginVersion: d.ManagedLoginVersion, CustomDomainConfig: config,
		})
		return err
	}
	return ensure(find, create, func() error {
		certified := !custom || d.CertificateARN == "" || current.CustomDomainConfig != nil && current.CustomDomainConfig.CertificateArn == d.CertificateARN
		if certified && (d.ManagedLoginVersion == nil || api.Val(current.ManagedLoginVersion) == *d.ManagedLoginVersion) {
			return nil
		}
		if custom && d.CertificateARN == "" {
			config = current.CustomDomainConfig
		}
		_, err := a.deps.UserPools.UpdateUserPoolDomain(ctx, &idp.UpdateUserPoolDomainRequest{
			Domain: d.Name, UserPoolId: pool, ManagedLoginVersion: d.ManagedLoginVersion, CustomDomainConfig: config,
		})
		return err
	})
}

// noOtherDomain rejects a domain for a user pool that has another domain of the kind.
func (a *applier) noOtherDomain(ctx context.Context, pool string, custom bool) error {
	out, err := a.deps.UserPools.DescribeUserPool(ctx, &idp.DescribeUserPoolRequest{UserPoolId: pool})
	if err != nil {
		return err
	}
	name := api.Val(out.UserPool.Domain)
	if custom {
		name = api.Val(out.UserPool.CustomDomain)
	}
	if name != "" {
		return fmt.Errorf("the user pool has the domain %s, and can have one domain of this kind: delete the domain first", name)
	}
	return nil
}

func (a *applier) resourceServer(ctx context.Context, pool string, r *ResourceServer) error {
	name := cmp.Or(r.Name, r.Identifier)
	var scopes []idp.ResourceServerScopeType
	for _, s := range r.Scopes {
		scopes = append(scopes, idp.ResourceServerScopeType{ScopeName: s.Name, ScopeDescription: cmp.Or(s.Description, s.Name)})
	}
	var current *idp.ResourceServerType
	find := func() (bool, error) {
		out, err := a.deps.UserPools.DescribeResourceServer(ctx, &idp.DescribeResourceServerRequest{UserPoolId: pool, Identifier: r.Identifier})
		if err == nil {
			current = out.ResourceServer
		}
		return exists(err)
	}
	create := func() error {
		_, err := a.deps.UserPools.CreateResourceServer(ctx, &idp.CreateResourceServerRequest{UserPoolId: pool, Identifier: r.Identifier, Name: name, Scopes: scopes})
		return err
	}
	return ensure(find, create, func() error {
		missing := slices.ContainsFunc(scopes, func(s idp.ResourceServerScopeType) bool { return !slices.Contains(current.Scopes, s) })
		if !missing && api.Val(current.Name) == name {
			return nil
		}
		for _, s := range current.Scopes { // Scopes that the file does not name stay.
			if !slices.ContainsFunc(scopes, func(o idp.ResourceServerScopeType) bool { return o.ScopeName == s.ScopeName }) {
				scopes = append(scopes, s)
			}
		}
		_, err := a.deps.UserPools.UpdateResourceServer(ctx, &idp.UpdateResourceServerRequest{UserPoolId: pool, Identifier: r.Identifier, Name: name, Scopes: scopes})
		return err
	})
}

func (a *applier) identityProvider(ctx context.Context, pool string, p *IdentityProvider) error {
	var current *idp.IdentityProviderType
	find := func() (bool, error) {
		out, err := a.deps.UserPools.DescribeIdentityProvider(ctx, &idp.DescribeIdentityProviderRequest{UserPoolId: pool, ProviderName: p.Name})
		if err == nil {
			current = out.IdentityProvider
		}
		return exists(err)
	}
	create := func() error {
		_, err := a.deps.UserPools.CreateIdentityProvider(ctx, &idp.CreateIdentityProviderRequest{
			UserPoolId: pool, ProviderName: p.Name, ProviderType: idp.IdentityProviderTypeType(p.Type), ProviderDetails: p.Details,
			AttributeMapping: p.AttributeMapping, IdpIdentifiers: p.Identifiers,
		})
		return err
	}
	return ensure(find, create, func() error {
		if string(current.ProviderType) != p.Type {
			return fmt.Errorf("the identity provider has the type %s, which cannot be changed: delete it first", current.ProviderType)
		}
		same := isWithin(p.Details, current.ProviderDetails) && isWithin(p.AttributeMapping, current.AttributeMapping)
		if same && (p.Identifiers == nil || slices.Equal(p.Identifiers, current.IdpIdentifiers)) {
			return nil
		}
		_, err := a.deps.UserPools.UpdateIdentityProvider(ctx, &idp.UpdateIdentityProviderRequest{
			UserPoolId: pool, ProviderName: p.Name, ProviderDetails: p.Details, AttributeMapping: p.AttributeMapping, IdpIdentifiers: p.Identifiers,
		})
		return err
	})
}

// isWithin reports whether a map has the entries of another map.
func isWithin(some, all map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return true
}

func (a *applier) group(ctx context.Context, pool string, g *Group) error {
	role := a.roleARN(g.Role)
	var current *idp.GroupType
	find := func() (bool, error) {
		out, err := a.deps.UserPools.GetGroup(ctx, &idp.GetGroupRequest{UserPoolId: pool, GroupName: g.Name})
		if err == nil {
			current = out.Group
		}
		return exists(err)
	}
	create := func() error {
		_, err := a.deps.UserPools.CreateGroup(ctx, &idp.CreateGroupRequest{
			UserPoolId: pool, GroupName: g.Name, Description: optional(g.Description), RoleArn: optional(role), Precedence: g.Precedence,
		})
		return err
	}
	return ensure(find, create, func() error {
		in := &idp.UpdateGroupRequest{
			UserPoolId: pool, GroupName: g.Name, Description: current.Description, RoleArn: current.RoleArn, Precedence: current.Precedence,
		}
		changed := false
		for _, t := range []struct {
			to    **string
			value string
		}{{&in.Description, g.Description}, {&in.RoleArn, role}} {
			if t.value != "" && api.Val(*t.to) != t.value {
				*t.to, changed = &t.value, true
			}
		}
		if g.Precedence != nil && (in.Precedence == nil || *in.Precedence != *g.Precedence) {
			in.Precedence, changed = g.Precedence, true
		}
		if !changed {
			return nil
		}
		_, err := a.deps.UserPools.UpdateGroup(ctx, in)
		return err
	})
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
