package deploy

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/invoke"
)

// policyKind is an inline policy of roles, users and groups.
func policyKind() *kind {
	return &kind{
		shape: shape{more: map[string]reflect.Type{
			"PolicyDocument": reflect.TypeFor[any](), "PolicyName": reflect.TypeFor[string](),
			"Roles": reflect.TypeFor[[]string](), "Users": reflect.TypeFor[[]string](), "Groups": reflect.TypeFor[[]string](),
		}},
		required: []string{"PolicyDocument", "PolicyName"}, op: "PutRolePolicy", ref: refOf("PolicyName", "RoleName"), prepare: preparePolicy,
		create: func(ctx context.Context, s *Service, st *state) error { return s.inlinePolicy(ctx, st, &state{}) },
		update: func(ctx context.Context, s *Service, st, old *state) error { return s.inlinePolicy(ctx, st, old) },
		remove: func(ctx context.Context, s *Service, st *state) error { return s.inlinePolicy(ctx, &state{}, st) },
	}
}

// rolePolicyKind is an inline policy of one role.
func rolePolicyKind() *kind {
	k := policyKind()
	k.more = map[string]reflect.Type{"PolicyDocument": reflect.TypeFor[any](), "PolicyName": reflect.TypeFor[string](), "RoleName": reflect.TypeFor[string]()}
	k.required = []string{"PolicyName", "RoleName"}
	k.replaced = []string{"PolicyName", "RoleName"}
	return k
}

func preparePolicy(p *plan, it *item) {
	m := it.want.Members
	p.decoded(it, "PutRolePolicy", properties{"RoleName": "any", "PolicyName": m["PolicyName"], "PolicyDocument": policyText(m["PolicyDocument"])})
}

// holders returns what a policy belongs to: the kinds and names of roles, users and groups.
func holders(st *state) []string {
	var list []string
	for _, kind := range []string{"Roles", "Users", "Groups"} {
		for _, name := range texts(st.Members[kind]) {
			list = append(list, kind+"/"+name)
		}
	}
	if role := text(st.Members["RoleName"]); role != "" {
		list = append(list, "Roles/"+role)
	}
	return list
}

// inlinePolicy puts a policy where it should be, and removes it where it was.
func (s *Service) inlinePolicy(ctx context.Context, st, old *state) error {
	name, was := text(st.Members["PolicyName"]), text(old.Members["PolicyName"])
	wanted := holders(st)
	for _, holder := range wanted {
		if err := s.putPolicy(ctx, holder, name, policyText(st.Members["PolicyDocument"])); err != nil {
			return err
		}
	}
	for _, holder := range holders(old) {
		if was == name && slices.Contains(wanted, holder) {
			continue
		}
		if err := unlessMissing(s.deletePolicy(ctx, holder, was)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) putPolicy(ctx context.Context, holder, policy, text string) error {
	kind, name, _ := strings.Cut(holder, "/")
	switch kind {
	case "Users":
		return s.deps.IAM.PutUserPolicy(ctx, &iamapi.PutUserPolicyRequest{UserName: name, PolicyName: policy, PolicyDocument: text})
	case "Groups":
		return s.deps.IAM.PutGroupPolicy(ctx, &iamapi.PutGroupPolicyRequest{GroupName: name, PolicyName: policy, PolicyDocument: text})
	}
	return s.deps.IAM.PutRolePolicy(ctx, &iamapi.PutRolePolicyRequest{RoleName: name, PolicyName: policy, PolicyDocument: text})
}

func (s *Service) deletePolicy(ctx context.Context, holder, policy string) error {
	kind, name, _ := strings.Cut(holder, "/")
	switch kind {
	case "Users":
		return s.deps.IAM.DeleteUserPolicy(ctx, &iamapi.DeleteUserPolicyRequest{UserName: name, PolicyName: policy})
	case "Groups":
		return s.deps.IAM.DeleteGroupPolicy(ctx, &iamapi.DeleteGroupPolicyRequest{GroupName: name, PolicyName: policy})
	}
	return s.deps.IAM.DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyRequest{RoleName: name, PolicyName: policy})
}

func managedPolicyKind() *kind {
	return &kind{
		shape: shape{more: map[string]reflect.Type{
			"PolicyDocument": reflect.TypeFor[any](), "ManagedPolicyName": reflect.TypeFor[string](), "Description": reflect.TypeFor[string](), "Path": reflect.TypeFor[string](),
			"Roles": reflect.TypeFor[[]string](), "Users": reflect.TypeFor[[]string](), "Groups": reflect.TypeFor[[]string](),
		}},
		required: []string{"PolicyDocument"}, replaced: []string{"ManagedPolicyName", "Description", "Path"}, title: "ManagedPolicyName", titleLength: 128,
		op: "CreatePolicy", prepare: prepareManagedPolicy,
		ref: func(p *plan, m properties) string {
			return p.arn("policy", api.PathOf(text(m["Path"])), text(m["ManagedPolicyName"]))
		},
		create: createManagedPolicy, update: updateManagedPolicy, remove: removeManagedPolicy,
		attributes: func(_ *Service, st *state) properties { return properties{"PolicyArn": st.Ref} },
		exists: func(ctx context.Context, s *Service, st *state) (bool, error) {
			_, err := s.deps.IAM.GetPolicy(ctx, &iamapi.GetPolicyRequest{PolicyArn: st.Ref})
			if invoke.IsMissing(err) {
				return false, nil
			}
			return err == nil, err
		},
	}
}

func prepareManagedPolicy(p *plan, it *item) {
	m := it.want.Members
	p.decoded(it, "CreatePolicy", properties{"PolicyName": m["ManagedPolicyName"], "PolicyDocument": policyText(m["PolicyDocument"])})
}

func createManagedPolicy(ctx context.Context, s *Service, st *state) error {
	_, err := s.deps.IAM.CreatePolicy(ctx, &iamapi.CreatePolicyRequest{
		PolicyName: text(st.Members["ManagedPolicyName"]), Path: optional(st.Members["Path"]), Description: optional(st.Members["Description"]),
		PolicyDocument: policyText(st.Members["PolicyDocument"]),
	})
	if err != nil {
		return err
	}
	return s.attachments(ctx, st, &state{})
}

// maxVersions is how many versions a managed policy has at most.
const maxVersions = 5

func updateManagedPolicy(ctx context.Context, s *Service, st, old *state) error {
	if text := policyText(st.Members["PolicyDocument"]); text != policyText(old.Members["PolicyDocument"]) {
		list, err := s.deps.IAM.ListPolicyVersions(ctx, &iamapi.ListPolicyVersionsRequest{PolicyArn: st.Ref})
		if err != nil {
			return err
		}
		for _, v := range slices.Backward(list.Versions) { // the oldest last
			if len(list.Versions) < maxVersions || api.Val(v.IsDefaultVersion) {
				continue
			}
			if err := s.deps.IAM.DeletePolicyVersion(ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: st.Ref, VersionId: api.Val(v.VersionId)}); err != nil {
				return err
			}
			break
		}
		if _, err := s.deps.IAM.CreatePolicyVersion(ctx, &iamapi.CreatePolicyVersionRequest{PolicyArn: st.Ref, PolicyDocument: text, SetAsDefault: new(true)}); err != nil {
			return err
		}
	}
	return s.attachments(ctx, st, old)
}

// attachments attaches a managed policy where it should be, and detaches it where it was.
func (s *Service) attachments(ctx context.Context, st, old *state) error {
	arn := st.Ref
	if arn == "" {
		arn = old.Ref
	}
	wanted := holders(st)
	for _, holder := range wanted {
		if err := s.attach(ctx, holder, arn); err != nil {
			return err
		}
	}
	for _, holder := range holders(old) {
		if !slices.Contains(wanted, holder) {
			if err := unlessMissing(s.detach(ctx, holder, arn)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) attach(ctx context.Context, holder, arn string) error {
	kind, name, _ := strings.Cut(holder, "/")
	switch kind {
	case "Users":
		return s.deps.IAM.AttachUserPolicy(ctx, &iamapi.AttachUserPolicyRequest{UserName: name, PolicyArn: arn})
	case "Groups":
		return s.deps.IAM.AttachGroupPolicy(ctx, &iamapi.AttachGroupPolicyRequest{GroupName: name, PolicyArn: arn})
	}
	return s.deps.IAM.AttachRolePolicy(ctx, &iamapi.AttachRolePolicyRequest{RoleName: name, PolicyArn: arn})
}

func (s *Service) detach(ctx context.Context, holder, arn string) error {
	kind, name, _ := strings.Cut(holder, "/")
	switch kind {
	case "Users":
		return s.deps.IAM.DetachUserPolicy(ctx, &iamapi.DetachUserPolicyRequest{UserName: name, PolicyArn: arn})
	case "Groups":
		return s.deps.IAM.DetachGroupPolicy(ctx, &iamapi.DetachGroupPolicyRequest{GroupName: name, PolicyArn: arn})
	}
	return s.deps.IAM.DetachRolePolicy(ctx, &iamapi.DetachRolePolicyRequest{RoleName: name, PolicyArn: arn})
}

// detachAll detaches a managed policy from all that has it, also from a role of the template that names the policy.
func (s *Service) detachAll(ctx context.Context, arn string) error {
	for in := (&iamapi.ListEntitiesForPolicyRequest{PolicyArn: arn, PolicyUsageFilter: iamapi.PolicyUsageTypePermissionsPolicy}); ; {
		page, err := s.deps.IAM.ListEntitiesForPolicy(ctx, in)
		if err != nil {
			return err
		}
		var holders []string
		for _, r := range page.PolicyRoles {
			holders = append(holders, "Roles/"+api.Val(r.RoleName))
		}
		for _, u := range page.PolicyUsers {
			holders = append(holders, "Users/"+api.Val(u.UserName))
		}
		for _, g := range page.PolicyGroups {
			holders = append(holders, "Groups/"+api.Val(g.GroupName))
		}
		for _, holder := range holders {
			if err := unlessMissing(s.detach(ctx, holder, arn)); err != nil {
				return err
			}
		}
		if in.Marker = page.Marker; in.Marker == nil {
			return nil
		}
	}
}

func removeManagedPolicy(ctx context.Context, s *Service, st *state) error {
	if err := s.detachAll(ctx, st.Ref); err != nil {
		return unlessMissing(err)
	}
	list, err := s.deps.IAM.ListPolicyVersions(ctx, &iamapi.ListPolicyVersionsRequest{PolicyArn: st.Ref})
	if err != nil {
		return unlessMissing(err)
	}
	for _, v := range list.Versions {
		if api.Val(v.IsDefaultVersion) {
			continue
		}
		if err := unlessMissing(s.deps.IAM.DeletePolicyVersion(ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: st.Ref, VersionId: api.Val(v.VersionId)})); err != nil {
			return err
		}
	}
	return unlessMissing(s.deps.IAM.DeletePolicy(ctx, &iamapi.DeletePolicyRequest{PolicyArn: st.Ref}))
}
