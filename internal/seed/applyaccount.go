package seed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/identity"
	"cognate/internal/api/invoke"
)

// role creates a role or brings it into line. Policies that the file does not name stay.
func (a *applier) role(ctx context.Context, r *Role, path string) error {
	var current *iamapi.Role
	find := func() (bool, error) {
		out, err := a.deps.IAM.GetRole(ctx, &iamapi.GetRoleRequest{RoleName: r.Name})
		if err == nil {
			current = out.Role
		}
		return exists(err)
	}
	create := func() error {
		_, err := a.deps.IAM.CreateRole(ctx, &iamapi.CreateRoleRequest{
			RoleName: r.Name, Path: optional(r.Path), Description: optional(r.Description), AssumeRolePolicyDocument: string(r.TrustPolicy),
		})
		if err == nil {
			a.removals = append(a.removals, func(ctx context.Context) error { return a.removeRole(ctx, r) })
		}
		return err
	}
	change := func() error {
		if trust, err := url.PathUnescape(api.Val(current.AssumeRolePolicyDocument)); err != nil || !equal(tree([]byte(trust)), tree(r.TrustPolicy)) {
			err := a.deps.IAM.UpdateAssumeRolePolicy(ctx, &iamapi.UpdateAssumeRolePolicyRequest{RoleName: r.Name, PolicyDocument: string(r.TrustPolicy)})
			if err != nil {
				return err
			}
		}
		if r.Path != "" && r.Path != current.Path {
			return fmt.Errorf("the role has the path %s, which cannot be changed: delete the role first", current.Path)
		}
		if r.Description == "" || r.Description == api.Val(current.Description) {
			return nil
		}
		_, err := a.deps.IAM.UpdateRole(ctx, &iamapi.UpdateRoleRequest{RoleName: r.Name, Description: &r.Description})
		return err
	}
	if err := ensure(find, create, change); err != nil {
		return a.failed(path, err)
	}
	for _, name := range sortedKeys(r.Policies) {
		err := invoke.Again(func() error { return a.rolePolicy(ctx, r.Name, name, r.Policies[name]) })
		if err := a.failed(path+".policies."+name, err); err != nil {
			return err
		}
	}
	for i, arn := range r.Managed { // It is no error to attach a policy twice.
		err := invoke.Again(func() error {
			return a.deps.IAM.AttachRolePolicy(ctx, &iamapi.AttachRolePolicyRequest{RoleName: r.Name, PolicyArn: arn})
		})
		if err := a.failed(fmt.Sprintf("%s.managedPolicies[%d]", path, i), err); err != nil {
			return err
		}
	}
	a.result.Roles++
	return nil
}

func (a *applier) rolePolicy(ctx context.Context, role, name string, document Document) error {
	out, err := a.deps.IAM.GetRolePolicy(ctx, &iamapi.GetRolePolicyRequest{RoleName: role, PolicyName: name})
	if err == nil {
		if text, err := url.PathUnescape(out.PolicyDocument); err == nil && equal(tree([]byte(text)), tree(document)) {
			return nil
		}
	} else if !invoke.IsMissing(err) {
		return err
	}
	return a.deps.IAM.PutRolePolicy(ctx, &iamapi.PutRolePolicyRequest{RoleName: role, PolicyName: name, PolicyDocument: string(document)})
}

// removeRole removes a role that a failed seed has created.
func (a *applier) removeRole(ctx context.Context, r *Role) error {
	for name := range r.Policies {
		_ = a.deps.IAM.DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyRequest{RoleName: r.Name, PolicyName: name})
	}
	for _, arn := range r.Managed {
		_ = a.deps.IAM.DetachRolePolicy(ctx, &iamapi.DetachRolePolicyRequest{RoleName: r.Name, PolicyArn: arn})
	}
	return a.deps.IAM.DeleteRole(ctx, &iamapi.DeleteRoleRequest{RoleName: r.Name})
}

// identityPool creates an identity pool or brings it into line.
func (a *applier) identityPool(ctx context.Context, p *IdentityPool, path string) error {
	ctx = invoke.In(ctx, a.regionOf(p.ID))
	var id string
	var current map[string]any
	find := func() (found bool, err error) {
		id = p.ID
		if id == "" {
			if id, err = a.identityPoolByName(ctx, p.Name); id == "" {
				return false, err
			}
		}
		out, err := a.deps.IdentityPools.DescribeIdentityPool(ctx, &identity.DescribeIdentityPoolInput{IdentityPoolId: id})
		if err == nil {
			current, _ = tree(identity.Operations["DescribeIdentityPool"].Encode(nil, out)).(map[string]any)
		}
		return exists(err)
	}
	create := func() error {
		more := map[string]any{"IdentityPoolName": p.Name}
		if p.Settings["AllowUnauthenticatedIdentities"] == nil {
			more["AllowUnauthenticatedIdentities"] = false
		}
		in, err := invoke.Decode[identity.CreateIdentityPoolInput](identity.Operations["CreateIdentityPool"], body(p.Settings, more))
		if err != nil {
			return err
		}
		out, err := a.deps.IdentityPools.CreateIdentityPoolAs(ctx, in, p.ID)
		if err != nil {
			return err
		}
		id = out.IdentityPoolId
		a.removals = append(a.removals, func(ctx context.Context) error {
			return a.deps.IdentityPools.DeleteIdentityPool(ctx, &identity.DeleteIdentityPoolInput{IdentityPoolId: id})
		})
		return nil
	}
	change := func() error {
		if current["IdentityPoolName"] == p.Name && contains(current, tree(body(p.Settings, nil))) {
			return nil
		}
		more := map[string]any{"IdentityPoolId": id, "IdentityPoolName": p.Name}
		in, err := invoke.Decode[identity.IdentityPool](identity.Operations["UpdateIdentityPool"], update[identity.IdentityPool](current, p.Settings, nil, more))
		if err != nil {
			return err
		}
		_, err = a.deps.IdentityPools.UpdateIdentityPool(ctx, in)
		return err
	}
	if err := ensure(find, create, change); err != nil {
		return a.failed(path, err)
	}
	if err := a.failed(path+".roles", a.identityRoles(ctx, id, p)); err != nil {
		return err
	}
	a.result.IdentityPools = append(a.result.IdentityPools, id)
	return nil
}

func (a *applier) identityPoolByName(ctx context.Context, name string) (string, error) {
	found := ""
	list := &identity.ListIdentityPoolsInput{MaxResults: 60}
	for {
		out, err := a.deps.IdentityPools.ListIdentityPools(ctx, list)
		if err != nil {
			return "", err
		}
		for _, p := range out.IdentityPools {
			if api.Val(p.IdentityPoolName) != name {
				continue
			}
			if found != "" {
				return "", errors.New("there are several identity pools with the name: give the id")
			}
			found = api.Val(p.IdentityPoolId)
		}
		if list.NextToken = out.NextToken; list.NextToken == nil {
			return found, nil
		}
	}
}

// identityRoles sets the roles and mappings that the file names. Others stay.
func (a *applier) identityRoles(ctx context.Context, id string, p *IdentityPool) error {
	if len(p.Roles) == 0 && len(p.Mappings) == 0 {
		return nil
	}
	return invoke.Again(func() error {
		out, err := a.deps.IdentityPools.GetIdentityPoolRoles(ctx, &identity.GetIdentityPoolRolesInput{IdentityPoolId: id})
		if err != nil {
			return err
		}
		current, _ := tree(identity.Operations["GetIdentityPoolRoles"].Encode(nil, out)).(map[string]any)
		roles := map[string]string{}
		for kind, role := range p.Roles {
			roles[kind] = a.roleARN(role)
		}
		wanted := map[string]any{}
		if len(roles) > 0 {
			wanted["Roles"] = roles
		}
		if len(p.Mappings) > 0 {
			wanted["RoleMappings"] = p.Mappings
		}
		text := body(nil, wanted)
		if contains(current, tree(text)) {
			return nil
		}
		merged := map[string]any{"IdentityPoolId": id, "Roles": merge(current["Roles"], tree(text).(map[string]any)["Roles"])}
		if m := merge(current["RoleMappings"], tree(text).(map[string]any)["RoleMappings"]); len(m) > 0 {
			merged["RoleMappings"] = m
		}
		in, err := invoke.Decode[identity.SetIdentityPoolRolesInput](identity.Operations["SetIdentityPoolRoles"], body(nil, merged))
		if err != nil {
			return err
		}
		return a.deps.IdentityPools.SetIdentityPoolRoles(ctx, in)
	})
}

// merge returns the members of two objects. Those of the second win.
func merge(a, b any) map[string]any {
	all := map[string]any{}
	for _, o := range []any{a, b} {
		m, _ := o.(map[string]any)
		maps.Copy(all, m)
	}
	return all
}
