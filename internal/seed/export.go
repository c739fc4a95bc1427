package seed

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/api/invoke"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
)

// Export returns the state of the server as a seed in YAML. Without secrets it has no secrets of
// app clients and providers, no hashes of passwords and no secrets of authenticator apps. Passwords
// are not known to the server.
func (s *Service) Export(ctx context.Context, secrets bool) ([]byte, error) {
	e := &exporter{Service: s, secrets: secrets}
	f := &File{}
	if err := e.roles(invoke.In(ctx, defaultRegion), f); err != nil {
		return nil, err
	}
	regions := map[string]bool{defaultRegion: true}
	err := s.deps.Store.EachPool(ctx, func(id string) error {
		regions[chosenid.RegionOf(id)] = true
		p, err := e.userPool(invoke.In(ctx, chosenid.RegionOf(id)), id)
		if err == nil {
			f.UserPools = append(f.UserPools, *p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		if err := e.identityPools(invoke.In(ctx, region), f); err != nil {
			return nil, err
		}
	}
	return encode(f)
}

type exporter struct {
	*Service
	secrets bool
}

// secret returns a secret for the file, "" without secrets.
func (e *exporter) secret(value string) keys.Secret {
	if !e.secrets {
		return ""
	}
	return keys.Secret(value)
}

// kept returns the members of a description that a request has too, without some and without those
// that are equal in other.
func kept[T any](description map[string]any, without []string, other map[string]any) Settings {
	out := Settings{}
	for _, name := range memberNames[T]() {
		value, ok := description[name]
		if !ok || value == nil || slices.Contains(without, name) || other != nil && equal(value, other[name]) {
			continue
		}
		out[name], _ = json.Marshal(value) // It was parsed from JSON.
	}
	return out
}

func (e *exporter) userPool(ctx context.Context, id string) (*UserPool, error) {
	out, err := e.deps.UserPools.DescribeUserPool(ctx, &idp.DescribeUserPoolRequest{UserPoolId: id})
	if err != nil {
		return nil, err
	}
	config := out.UserPool
	blank, err := e.deps.Pools.Preview(&idp.CreateUserPoolRequest{PoolName: "blank"}, nil, id)
	if err != nil {
		return nil, err
	}
	p := &UserPool{ID: id, Name: *config.Name}
	current := poolTree(config)
	p.Settings = kept[idp.CreateUserPoolRequest](current, append(slices.Clone(mirrored), "MfaConfiguration", "Schema"), poolTree(&blank.Config))
	if schema := ownAttributes(current); len(schema) > 0 {
		if p.Settings["Schema"], err = json.Marshal(schema); err != nil {
			return nil, err
		}
	}
	for _, step := range []func(context.Context, *UserPool) error{
		e.mfa, e.domains(config), e.resourceServers, e.identityProviders, e.clients, e.groups, e.users,
	} {
		if err := step(ctx, p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func poolTree(config *idp.UserPoolType) map[string]any {
	t := answer(idp.Operations["DescribeUserPool"].Encode(nil, &idp.DescribeUserPoolResponse{UserPool: config}), "UserPool")
	if invitations, ok := t["AdminCreateUserConfig"].(map[string]any); ok {
		delete(invitations, "UnusedAccountValidityDays") // TemporaryPasswordValidityDays says the same.
	}
	return t
}

// ownAttributes returns the attributes that a pool does not have by itself, as CreateUserPool takes
// them.
func ownAttributes(current map[string]any) []any {
	all, _ := current["SchemaAttributes"].([]any)
	var own []any
	for _, a := range all {
		a, _ := a.(map[string]any)
		name, _ := a["Name"].(string)
		plain := strings.TrimPrefix(strings.TrimPrefix(name, "dev:"), "custom:")
		if plain == name && (a["Required"] != true || name == "sub") {
			continue
		}
		a["Name"] = plain
		if plain != name {
			a["Name"] = seedName(plain)
		}
		own = append(own, a)
	}
	return own
}

func (e *exporter) mfa(ctx context.Context, p *UserPool) error {
	out, err := e.deps.UserPools.GetUserPoolMfaConfig(ctx, &idp.GetUserPoolMfaConfigRequest{UserPoolId: p.ID})
	if err != nil {
		return err
	}
	if out.MfaConfiguration != idp.UserPoolMfaTypeOff || out.WebAuthnConfiguration != nil {
		current, _ := tree(idp.Operations["GetUserPoolMfaConfig"].Encode(nil, out)).(map[string]any)
		p.MFA = kept[idp.SetUserPoolMfaConfigRequest](current, nil, nil)
	}
	return nil
}

func (e *exporter) domains(config *idp.UserPoolType) func(context.Context, *UserPool) error {
	return func(ctx context.Context, p *UserPool) error {
		for _, d := range []struct {
			name *string
			to   **Domain
		}{{config.Domain, &p.Domain}, {config.CustomDomain, &p.CustomDomain}} {
			if d.name == nil {
				continue
			}
			out, err := e.deps.UserPools.DescribeUserPoolDomain(ctx, &idp.DescribeUserPoolDomainRequest{Domain: *d.name})
			if err != nil {
				return err
			}
			*d.to = &Domain{Name: *d.name, ManagedLoginVersion: out.DomainDescription.ManagedLoginVersion}
			if c := out.DomainDescription.CustomDomainConfig; c != nil {
				(*d.to).CertificateARN = c.CertificateArn
			}
		}
		return nil
	}
}

func (e *exporter) resourceServers(ctx context.Context, p *UserPool) error {
	out, err := e.deps.UserPools.ListResourceServers(ctx, &idp.ListResourceServersRequest{UserPoolId: p.ID, MaxResults: new(int32(50))})
	if err != nil {
		return err
	}
	for _, r := range out.ResourceServers {
		server := ResourceServer{Identifier: api.Val(r.Identifier), Name: api.Val(r.Name)}
		for _, s := range r.Scopes {
			server.Scopes = append(server.Scopes, Scope{Name: s.ScopeName, Description: s.ScopeDescription})
		}
		p.ResourceServers = append(p.ResourceServers, server)
	}
	return nil
}

// secretDetails are the ProviderDetails that are secrets.
var secretDetails = []string{"client_secret", "private_key"}

func (e *exporter) identityProviders(ctx context.Context, p *UserPool) error {
	list := &idp.ListIdentityProvidersRequest{UserPoolId: p.ID, MaxResults: new(int32(60))}
	for {
		out, err := e.deps.UserPools.ListIdentityProviders(ctx, list)
		if err != nil {
			return err
		}
		for _, d := range out.Providers {
			one, err := e.deps.UserPools.DescribeIdentityProvider(ctx, &idp.DescribeIdentityProviderRequest{UserPoolId: p.ID, ProviderName: api.Val(d.ProviderName)})
			if err != nil {
				return err
			}
			i := one.IdentityProvider
			provider := IdentityProvider{
				Name: api.Val(i.ProviderName), Type: string(i.ProviderType), Details: maps.Clone(i.ProviderDetails),
				AttributeMapping: i.AttributeMapping, Identifiers: i.IdpIdentifiers,
			}
			if !e.secrets {
				maps.DeleteFunc(provider.Details, func(name, _ string) bool { return slices.Contains(secretDetails, name) })
			}
			p.IdentityProviders = append(p.IdentityProviders, provider)
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			return nil
		}
	}
}

func (e *exporter) clients(ctx context.Context, p *UserPool) error {
	list := &idp.ListUserPoolClientsRequest{UserPoolId: p.ID, MaxResults: new(int32(60))}
	for {
		out, err := e.deps.UserPools.ListUserPoolClients(ctx, list)
		if err != nil {
			return err
		}
		for _, c := range out.UserPoolClients {
			one, err := e.deps.UserPools.DescribeUserPoolClient(ctx, &idp.DescribeUserPoolClientRequest{UserPoolId: p.ID, ClientId: *c.ClientId})
			if err != nil {
				return err
			}
			current := answer(idp.Operations["DescribeUserPoolClient"].Encode(nil, one), "UserPoolClient")
			secret, _ := current["ClientSecret"].(string)
			client := Client{ID: *c.ClientId, Name: strings.TrimPrefix(api.Val(c.ClientName), chosenid.ClientPrefix), Secret: e.secret(secret)}
			client.Settings = kept[idp.CreateUserPoolClientRequest](current, shapes["client"].hidden, nil)
			if secret != "" && !e.secrets {
				client.Settings["GenerateSecret"] = json.RawMessage("true")
			}
			p.Clients = append(p.Clients, client)
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			return nil
		}
	}
}

func (e *exporter) groups(ctx context.Context, p *UserPool) error {
	list := &idp.ListGroupsRequest{UserPoolId: p.ID, Limit: new(int32(60))}
	for {
		out, err := e.deps.UserPools.ListGroups(ctx, list)
		if err != nil {
			return err
		}
		for _, g := range out.Groups {
			p.Groups = append(p.Groups, Group{Name: api.Val(g.GroupName), Description: api.Val(g.Description), Precedence: g.Precedence, Role: api.Val(g.RoleArn)})
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			return nil
		}
	}
}

func (e *exporter) users(ctx context.Context, p *UserPool) error {
	sn, err := e.deps.Pools.Load(ctx, p.ID)
	if err != nil {
		return err
	}
	list := &idp.ListUsersRequest{UserPoolId: p.ID, Limit: new(int32(60))}
	for {
		out, err := e.deps.UserPools.ListUsers(ctx, list)
		if err != nil {
			return err
		}
		for _, u := range out.Users {
			if u.UserStatus == idp.UserStatusTypeExternalProvider {
				continue // It comes again with the next sign-in at the provider.
			}
			person, err := e.deps.People.Describe(ctx, sn, api.Val(u.Username), e.secrets)
			if api.CodeOf(err) == "UserNotFoundException" {
				continue // deleted meanwhile
			}
			if err != nil {
				return err
			}
			user := User{
				Username: person.Username, Sub: person.Sub, PasswordHash: person.Hash, Attributes: person.Attributes, Groups: person.Groups, MFA: person.MFA,
			}
			if len(person.TOTP) > 0 {
				user.TOTPSecret = keys.Secret(keys.TOTPSecretText(person.TOTP))
			}
			if person.Status != idp.UserStatusTypeConfirmed {
				user.Status = string(person.Status)
			}
			if !api.Val(person.Enabled) {
				user.Enabled = person.Enabled
			}
			p.Users = append(p.Users, user)
		}
		if list.PaginationToken = out.PaginationToken; list.PaginationToken == nil {
			return nil
		}
	}
}

func (e *exporter) identityPools(ctx context.Context, f *File) error {
	list := &identity.ListIdentityPoolsInput{MaxResults: 60}
	for {
		out, err := e.deps.IdentityPools.ListIdentityPools(ctx, list)
		if err != nil {
			return err
		}
		for _, d := range out.IdentityPools {
			one, err := e.deps.IdentityPools.DescribeIdentityPool(ctx, &identity.DescribeIdentityPoolInput{IdentityPoolId: *d.IdentityPoolId})
			if err != nil {
				return err
			}
			current, _ := tree(identity.Operations["DescribeIdentityPool"].Encode(nil, one)).(map[string]any)
			p := IdentityPool{
				ID: one.IdentityPoolId, Name: one.IdentityPoolName,
				Settings: kept[identity.CreateIdentityPoolInput](current, shapes["identityPool"].hidden, nil),
			}
			roles, err := e.deps.IdentityPools.GetIdentityPoolRoles(ctx, &identity.GetIdentityPoolRolesInput{IdentityPoolId: p.ID})
			if err != nil {
				return err
			}
			p.Roles = roles.Roles
			text, _ := tree(identity.Operations["GetIdentityPoolRoles"].Encode(nil, roles)).(map[string]any)
			if mappings, ok := text["RoleMappings"].(map[string]any); ok && len(mappings) > 0 {
				p.Mappings = Settings{}
				for name, m := range mappings {
					p.Mappings[name], _ = json.Marshal(m)
				}
			}
			f.IdentityPools = append(f.IdentityPools, p)
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			return nil
		}
	}
}

func (e *exporter) roles(ctx context.Context, f *File) error {
	list := &iamapi.ListRolesRequest{}
	for {
		out, err := e.deps.IAM.ListRoles(ctx, list)
		if err != nil {
			return err
		}
		for i := range out.Roles {
			r, err := e.role(ctx, &out.Roles[i])
			if err != nil {
				return err
			}
			f.Roles = append(f.Roles, *r)
		}
		if list.Marker = out.Marker; list.Marker == nil {
			return nil
		}
	}
}

func (e *exporter) role(ctx context.Context, r *iamapi.Role) (*Role, error) {
	trust, err := url.PathUnescape(api.Val(r.AssumeRolePolicyDocument))
	if err != nil {
		return nil, err
	}
	role := &Role{Name: r.RoleName, Description: api.Val(r.Description), TrustPolicy: Document(trust)}
	if r.Path != "/" {
		role.Path = r.Path
	}
	policies := &iamapi.ListRolePoliciesRequest{RoleName: r.RoleName}
	for more := true; more; more = policies.Marker != nil {
		out, err := e.deps.IAM.ListRolePolicies(ctx, policies)
		if err != nil {
			return nil, err
		}
		for _, name := range out.PolicyNames {
			p, err := e.deps.IAM.GetRolePolicy(ctx, &iamapi.GetRolePolicyRequest{RoleName: r.RoleName, PolicyName: name})
			if err != nil {
				return nil, err
			}
			text, err := url.PathUnescape(p.PolicyDocument)
			if err != nil {
				return nil, err
			}
			if role.Policies == nil {
				role.Policies = map[string]Document{}
			}
			role.Policies[name] = Document(text)
		}
		policies.Marker = out.Marker
	}
	attached := &iamapi.ListAttachedRolePoliciesRequest{RoleName: r.RoleName}
	for more := true; more; more = attached.Marker != nil {
		out, err := e.deps.IAM.ListAttachedRolePolicies(ctx, attached)
		if err != nil {
			return nil, err
		}
		for _, p := range out.AttachedPolicies {
			role.Managed = append(role.Managed, cmp.Or(api.Val(p.PolicyArn), api.Val(p.PolicyName)))
		}
		attached.Marker = out.Marker
	}
	return role, nil
}
