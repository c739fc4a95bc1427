package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/api/invoke"
	"cognate/internal/keys"
	"cognate/internal/user/provision"
)

// userPool creates a user pool or brings it into line, with all that belongs to it.
func (a *applier) userPool(ctx context.Context, p *UserPool, users people, path string) error {
	ctx = invoke.In(ctx, a.regionOf(p.ID))
	id, created, err := a.ensureUserPool(ctx, p)
	if err != nil {
		return a.failed(path, err)
	}
	if err := a.failed(path, a.addHomonyms(ctx, id, p.homonyms)); err != nil {
		return err
	}
	done := AppliedPool{ID: id, Name: p.Name, Created: created, Users: len(users.list)}
	if p.MFA != nil {
		if err := a.failed(path+".mfa", a.mfa(ctx, id, p.MFA)); err != nil {
			return err
		}
	}
	for i := range p.ResourceServers {
		if err := a.failed(fmt.Sprintf("%s.resourceServers[%d]", path, i), a.resourceServer(ctx, id, &p.ResourceServers[i])); err != nil {
			return err
		}
	}
	for i := range p.IdentityProviders {
		if err := a.failed(fmt.Sprintf("%s.identityProviders[%d]", path, i), a.identityProvider(ctx, id, &p.IdentityProviders[i])); err != nil {
			return err
		}
	}
	for i := range p.Clients {
		k := &p.Clients[i]
		client, err := a.client(ctx, id, k)
		if err := a.failed(fmt.Sprintf("%s.clients[%d]", path, i), err); err != nil {
			return err
		}
		done.Clients = append(done.Clients, AppliedClient{client, k.Name})
	}
	for i, d := range []*Domain{p.Domain, p.CustomDomain} {
		if d == nil {
			continue
		}
		if err := a.failed(path+[]string{".domain", ".customDomain"}[i], a.domain(ctx, id, d, i == 1)); err != nil {
			return err
		}
	}
	for i := range p.Groups {
		if err := a.failed(fmt.Sprintf("%s.groups[%d]", path, i), a.group(ctx, id, &p.Groups[i])); err != nil {
			return err
		}
	}
	sn, err := a.deps.Pools.Load(ctx, id)
	if err != nil {
		return a.failed(path, err)
	}
	if err := a.deps.People.Apply(ctx, sn, users.list); err != nil {
		if e, ok := errors.AsType[*provision.Error](err); ok {
			return a.failed(fmt.Sprintf("%s.users[%d]", path, users.places[e.Index]), e.Err)
		}
		return a.failed(path+".users", err)
	}
	a.result.UserPools = append(a.result.UserPools, done)
	return nil
}

// ensureUserPool returns the pool's id, and whether it was created now.
func (a *applier) ensureUserPool(ctx context.Context, p *UserPool) (id string, created bool, err error) {
	var current map[string]any
	find := func() (bool, error) {
		id = p.ID
		if id == "" {
			if id, err = a.poolByName(ctx, p.Name); id == "" {
				return false, err
			}
		}
		out, err := a.deps.UserPools.DescribeUserPool(ctx, &idp.DescribeUserPoolRequest{UserPoolId: id})
		if err == nil {
			current = answer(idp.Operations["DescribeUserPool"].Encode(nil, out), "UserPool")
		}
		return exists(err)
	}
	create := func() error {
		in, err := invoke.Decode[idp.CreateUserPoolRequest](idp.Operations["CreateUserPool"], body(p.Settings, map[string]any{"PoolName": p.Name}))
		if err != nil {
			return err
		}
		out, err := a.deps.Pools.CreateUserPoolAs(ctx, in, p.ID)
		if err != nil {
			return err
		}
		id, created = *out.UserPool.Id, true
		a.removals = append(a.removals, func(ctx context.Context) error { return a.removeUserPool(ctx, id, p) })
		return nil
	}
	err = ensure(find, create, func() error { return a.updateUserPool(ctx, id, p, current) })
	return id, created, err
}

// removeUserPool removes a pool that a failed seed has created.
func (a *applier) removeUserPool(ctx context.Context, id string, p *UserPool) error {
	for _, d := range []*Domain{p.Domain, p.CustomDomain} {
		if d != nil {
			_, _ = a.deps.UserPools.DeleteUserPoolDomain(ctx, &idp.DeleteUserPoolDomainRequest{UserPoolId: id, Domain: d.Name})
		}
	}
	if p.Settings["DeletionProtection"] != nil {
		_, err := a.deps.UserPools.UpdateUserPool(ctx, &idp.UpdateUserPoolRequest{UserPoolId: id, DeletionProtection: idp.DeletionProtectionTypeInactive})
		if err != nil {
			return err
		}
	}
	return a.deps.UserPools.DeleteUserPool(ctx, &idp.DeleteUserPoolRequest{UserPoolId: id})
}

// answer returns a member of an answer as a tree.
func answer(text []byte, member string) map[string]any {
	out, _ := tree(text).(map[string]any)
	m, _ := out[member].(map[string]any)
	return m
}

// poolByName returns the id of the only pool of the name, "" if there is none.
func (a *applier) poolByName(ctx context.Context, name string) (string, error) {
	var found []string
	list := &idp.ListUserPoolsRequest{MaxResults: 60}
	for {
		out, err := a.deps.UserPools.ListUserPools(ctx, list)
		if err != nil {
			return "", err
		}
		for _, p := range out.UserPools {
			if *p.Name == name {
				found = append(found, *p.Id)
			}
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			break
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("there are %d user pools with the name %q: give the id", len(found), name)
}

// fixed are the settings that a pool keeps for its life.
var fixed = []string{"AliasAttributes", "UsernameAttributes", "UsernameConfiguration"}

// mirrored are settings that VerificationMessageTemplate shows too.
var mirrored = []string{"SmsVerificationMessage", "EmailVerificationMessage", "EmailVerificationSubject"}

// updateUserPool brings the settings of a pool into line. Settings that the file does not name stay.
func (a *applier) updateUserPool(ctx context.Context, id string, p *UserPool, current map[string]any) error {
	for _, name := range fixed {
		if value := p.Settings[name]; value != nil && !equalSets(current[name], tree(value)) {
			return fmt.Errorf("%s of the user pool %s cannot be changed: delete the pool first", name, id)
		}
	}
	if err := a.addAttributes(ctx, id, p.Settings["Schema"], current); err != nil {
		return err
	}
	wanted := Settings{}
	for name, value := range p.Settings {
		if name != "Schema" && !slices.Contains(fixed, name) {
			wanted[name] = value
		}
	}
	if current["Name"] == p.Name && contains(current, tree(body(wanted, nil))) {
		return nil
	}
	if invitations, ok := current["AdminCreateUserConfig"].(map[string]any); ok {
		delete(invitations, "UnusedAccountValidityDays") // An update takes TemporaryPasswordValidityDays alone.
	}
	in, err := invoke.Decode[idp.UpdateUserPoolRequest](idp.Operations["UpdateUserPool"], update[idp.UpdateUserPoolRequest](current, wanted, mirrored, map[string]any{"UserPoolId": id, "PoolName": p.Name}))
	if err != nil {
		return err
	}
	_, err = a.deps.UserPools.UpdateUserPool(ctx, in)
	return err
}

// update returns the body of an update: the current settings without some, and the wanted ones.
func update[T any](current map[string]any, wanted Settings, without []string, more map[string]any) []byte {
	all := Settings{}
	for _, name := range memberNames[T]() {
		if value, ok := current[name]; ok && !slices.Contains(without, name) {
			all[name], _ = json.Marshal(value)
		}
	}
	maps.Copy(all, wanted)
	return body(all, more)
}

// equalSets reports whether two values are equal. The order of a list does not count.
func equalSets(a, b any) bool {
	x, isList := a.([]any)
	y, ok := b.([]any)
	if !isList || !ok {
		return contains(a, b) || a == nil && ok && len(y) == 0
	}
	return len(x) == len(y) && !slices.ContainsFunc(y, func(e any) bool {
		return !slices.ContainsFunc(x, func(o any) bool { return equal(e, o) })
	})
}

// addAttributes adds the custom attributes that the pool does not have. An attribute cannot be
// changed or removed.
func (a *applier) addAttributes(ctx context.Context, id string, schema json.RawMessage, current map[string]any) error {
	wanted, _ := tree(schema).([]any)
	have, _ := current["SchemaAttributes"].([]any)
	var added []any
	for _, w := range wanted {
		w, _ := w.(map[string]any)
		i := slices.IndexFunc(have, func(h any) bool { return isAttribute(h, w["Name"]) })
		if i < 0 {
			added = append(added, w)
			continue
		}
		h, _ := have[i].(map[string]any)
		if t := w["AttributeDataType"]; t != nil && t != h["AttributeDataType"] {
			return fmt.Errorf("the attribute %v of the user pool %s has the type %v, which cannot be changed", w["Name"], id, h["AttributeDataType"])
		}
	}
	if len(added) == 0 {
		return nil
	}
	text, err := json.Marshal(map[string]any{"UserPoolId": id, "CustomAttributes": added})
	if err != nil {
		return err
	}
	in, err := invoke.Decode[idp.AddCustomAttributesRequest](idp.Operations["AddCustomAttributes"], text)
	if err != nil {
		return err
	}
	_, err = a.deps.UserPools.AddCustomAttributes(ctx, in)
	return err
}

// isAttribute reports whether an attribute of a pool has a name, with or without its prefix.
func isAttribute(attribute, name any) bool {
	h, _ := attribute.(map[string]any)
	n, ok := name.(string)
	return ok && (h["Name"] == n || h["Name"] == "custom:"+n || h["Name"] == "dev:custom:"+n)
}

func (a *applier) mfa(ctx context.Context, id string, wanted Settings) error {
	return invoke.Again(func() error {
		out, err := a.deps.UserPools.GetUserPoolMfaConfig(ctx, &idp.GetUserPoolMfaConfigRequest{UserPoolId: id})
		if err != nil {
			return err
		}
		current, _ := tree(idp.Operations["GetUserPoolMfaConfig"].Encode(nil, out)).(map[string]any)
		if contains(current, tree(body(wanted, nil))) {
			return nil
		}
		in, err := invoke.Decode[idp.SetUserPoolMfaConfigRequest](idp.Operations["SetUserPoolMfaConfig"],
			update[idp.SetUserPoolMfaConfigRequest](current, wanted, nil, map[string]any{"UserPoolId": id}))
		if err != nil {
			return err
		}
		_, err = a.deps.UserPools.SetUserPoolMfaConfig(ctx, in)
		return err
	})
}

// client returns the id of an app client that was created or brought into line.
func (a *applier) client(ctx context.Context, pool string, k *Client) (id string, err error) {
	var current map[string]any
	find := func() (bool, error) {
		id = k.ID
		if id == "" {
			if id, err = a.clientByName(ctx, pool, k.Name); id == "" {
				return false, err
			}
		}
		out, err := a.deps.UserPools.DescribeUserPoolClient(ctx, &idp.DescribeUserPoolClientRequest{UserPoolId: pool, ClientId: id})
		if err == nil {
			current = answer(idp.Operations["DescribeUserPoolClient"].Encode(nil, out), "UserPoolClient")
		}
		return exists(err)
	}
	create := func() error {
		more := map[string]any{"UserPoolId": pool, "ClientName": k.Name}
		if k.Secret != "" {
			more["ClientSecret"] = string(k.Secret)
		}
		in, err := invoke.Decode[idp.CreateUserPoolClientRequest](idp.Operations["CreateUserPoolClient"], body(k.Settings, more))
		if err != nil {
			return err
		}
		out, err := a.deps.Pools.CreateUserPoolClientAs(ctx, in, k.ID)
		if err == nil {
			id = *out.UserPoolClient.ClientId
		}
		return err
	}
	err = ensure(find, create, func() error { return a.updateClient(ctx, pool, id, k, current) })
	return id, err
}

func (a *applier) clientByName(ctx context.Context, pool, name string) (string, error) {
	found := ""
	list := &idp.ListUserPoolClientsRequest{UserPoolId: pool, MaxResults: new(int32(60))}
	for {
		out, err := a.deps.UserPools.ListUserPoolClients(ctx, list)
		if err != nil {
			return "", err
		}
		for _, c := range out.UserPoolClients {
			if *c.ClientName != name {
				continue
			}
			if found != "" {
				return "", fmt.Errorf("the pool has several app clients with the name %q: give the id", name)
			}
			found = *c.ClientId
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			return found, nil
		}
	}
}

func (a *applier) updateClient(ctx context.Context, pool, id string, k *Client, current map[string]any) error {
	secret, _ := current["ClientSecret"].(string)
	wanted := Settings{}
	for name, value := range k.Settings {
		if name != "GenerateSecret" {
			wanted[name] = value
		} else if string(value) == "true" && secret == "" {
			return errors.New("the app client exists without a secret, and cannot get one: delete the client first")
		}
	}
	if current["ClientName"] != k.Name || !contains(current, tree(body(wanted, nil))) {
		in, err := invoke.Decode[idp.UpdateUserPoolClientRequest](idp.Operations["UpdateUserPoolClient"],
			update[idp.UpdateUserPoolClientRequest](current, wanted, nil, map[string]any{"UserPoolId": pool, "ClientId": "chosen", "ClientName": k.Name}))
		if err != nil {
			return err
		}
		in.ClientId = id // The model does not accept each id.
		if _, err := a.deps.UserPools.UpdateUserPoolClient(ctx, in); err != nil {
			return err
		}
	}
	if k.Secret == "" || string(k.Secret) == secret {
		return nil
	}
	if secret == "" {
		return errors.New("the app client exists without a secret, and cannot get one: delete the client first")
	}
	return a.replaceSecret(ctx, pool, id, k.Secret)
}

// replaceSecret makes a secret the only one of a client.
func (a *applier) replaceSecret(ctx context.Context, pool, id string, secret keys.Secret) error {
	list, err := a.deps.UserPools.ListUserPoolClientSecrets(ctx, &idp.ListUserPoolClientSecretsRequest{UserPoolId: pool, ClientId: id})
	if err != nil {
		return err
	}
	remove := func(secretID *string) error {
		_, err := a.deps.UserPools.DeleteUserPoolClientSecret(ctx, &idp.DeleteUserPoolClientSecretRequest{UserPoolId: pool, ClientId: id, ClientSecretId: *secretID})
		return err
	}
	old := list.ClientSecrets
	for ; len(old) > 1; old = old[1:] {
		if err := remove(old[0].ClientSecretId); err != nil {
			return err
		}
	}
	if _, err := a.deps.UserPools.AddUserPoolClientSecret(ctx, &idp.AddUserPoolClientSecretRequest{UserPoolId: pool, ClientId: id, ClientSecret: new(string(secret))}); err != nil {
		return err
	}
	for _, s := range old {
		if err := remove(s.ClientSecretId); err != nil {
			return err
		}
	}
	return nil
}
