package deploy

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/invoke"
)

// An inlinePolicy is a policy of a role.
type inlinePolicy struct {
	PolicyName     string
	PolicyDocument any
}

func roleKind() *kind {
	return &kind{
		shape: shape{more: map[string]reflect.Type{
			"AssumeRolePolicyDocument": reflect.TypeFor[any](), "Description": reflect.TypeFor[string](), "ManagedPolicyArns": reflect.TypeFor[[]string](),
			"MaxSessionDuration": reflect.TypeFor[int32](), "Path": reflect.TypeFor[string](), "PermissionsBoundary": reflect.TypeFor[string](),
			"Policies": reflect.TypeFor[[]inlinePolicy](), "RoleName": reflect.TypeFor[string](), "Tags": reflect.TypeFor[[]tag](),
		}},
		required: []string{"AssumeRolePolicyDocument"}, replaced: []string{"Path", "RoleName"}, title: "RoleName", titleLength: 64,
		op: "CreateRole", ref: refIs("RoleName"), complete: completeRole, prepare: prepareRole, attributes: roleAttributes, create: createRole, update: updateRole, remove: removeRole, exists: roleExists,
	}
}

// policyText returns a policy as a text, for the API.
func policyText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, _ := json.Marshal(value) // It came from JSON.
	return string(text)
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// optional returns a member that may be missing.
func optional(value any) *string {
	if s, ok := value.(string); ok {
		return &s
	}
	return nil
}

// texts returns a list of texts.
func texts(value any) []string {
	list, _ := value.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, text(e))
	}
	return out
}

func prepareRole(p *plan, it *item) {
	st := &it.want
	if st.Made["RoleId"] == nil {
		st.Made["RoleId"] = "AROA" + p.derived(it, 0).upper(17)
	}
	members := choose(st.Members, map[string]string{"RoleName": "RoleName", "Path": "Path", "Description": "Description", "MaxSessionDuration": "MaxSessionDuration", "PermissionsBoundary": "PermissionsBoundary", "Tags": "Tags"})
	members["AssumeRolePolicyDocument"] = policyText(st.Members["AssumeRolePolicyDocument"])
	p.decoded(it, "CreateRole", members)
	policies, _ := st.Members["Policies"].([]any)
	for _, e := range policies {
		policy, _ := e.(properties)
		p.decoded(it, "PutRolePolicy", properties{"RoleName": st.Ref, "PolicyName": policy["PolicyName"], "PolicyDocument": policyText(policy["PolicyDocument"])})
	}
}

// completeRole leaves out AWS managed policies that this server does not know.
func completeRole(p *plan, _ *item, members properties) {
	if members["ManagedPolicyArns"] == nil {
		return
	}
	known := []any{}
	for _, arn := range texts(members["ManagedPolicyArns"]) {
		_, err := p.deps.IAM.GetPolicy(p.ctx, &iamapi.GetPolicyRequest{PolicyArn: arn})
		if isOfAWS(arn) && invoke.IsMissing(err) {
			p.note("roles are without the managed policy " + arn + ", which is not known here")
			continue
		}
		known = append(known, arn)
	}
	members["ManagedPolicyArns"] = known
}

// isOfAWS reports whether a managed policy is an AWS managed policy.
func isOfAWS(arn string) bool {
	return slices.ContainsFunc([]string{"aws", "aws-cn", "aws-us-gov"}, func(partition string) bool {
		prefix := "arn:" + partition + ":iam::aws:policy/"
		return len(arn) > len(prefix) && arn[:len(prefix)] == prefix
	})
}

func roleAttributes(s *Service, st *state) properties {
	return properties{"Arn": s.arn("role", api.PathOf(text(st.Members["Path"])), st.Ref), "RoleId": st.Made["RoleId"]}
}

// arn returns the ARN of an IAM resource.
func (s *Service) arn(kind, path, name string) string {
	return "arn:" + api.Partition(s.options.Region) + ":iam::" + s.deps.AccountID + ":" + kind + path + name
}

func createRole(ctx context.Context, s *Service, st *state) error {
	in := &iamapi.CreateRoleRequest{
		RoleName: st.Ref, Path: optional(st.Members["Path"]), Description: optional(st.Members["Description"]), AssumeRolePolicyDocument: policyText(st.Members["AssumeRolePolicyDocument"]),
		PermissionsBoundary: optional(st.Members["PermissionsBoundary"]), MaxSessionDuration: session(st), Tags: tags(st),
	}
	out, err := s.deps.IAM.CreateRole(ctx, in)
	if err != nil {
		return err
	}
	st.Made["RoleId"] = out.Role.RoleId
	return s.policies(ctx, st, &state{Ref: st.Ref})
}

func session(st *state) *int32 {
	n, ok := whole(st.Members["MaxSessionDuration"])
	if !ok {
		return nil
	}
	return new(int32(n))
}

// whole returns a number that may have come from JSON.
func whole(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

func tags(st *state) []iamapi.Tag {
	var list []iamapi.Tag
	all := tagMap(st.Members["Tags"])
	for _, key := range sortedKeys(all) {
		list = append(list, iamapi.Tag{Key: key, Value: text(all[key])})
	}
	return list
}

// policies changes the inline policies and the managed policies of a role to those of the template.
func (s *Service) policies(ctx context.Context, st, old *state) error {
	wanted, had := inline(st), inline(old)
	for _, name := range sortedKeys(wanted) {
		if had[name] == wanted[name] {
			continue
		}
		if err := s.deps.IAM.PutRolePolicy(ctx, &iamapi.PutRolePolicyRequest{RoleName: st.Ref, PolicyName: name, PolicyDocument: wanted[name]}); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(had) {
		if _, ok := wanted[name]; ok {
			continue
		}
		if err := unlessMissing(s.deps.IAM.DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyRequest{RoleName: st.Ref, PolicyName: name})); err != nil {
			return err
		}
	}
	attached, before := texts(st.Members["ManagedPolicyArns"]), texts(old.Members["ManagedPolicyArns"])
	for _, arn := range attached {
		if err := s.deps.IAM.AttachRolePolicy(ctx, &iamapi.AttachRolePolicyRequest{RoleName: st.Ref, PolicyArn: arn}); err != nil {
			return err
		}
	}
	for _, arn := range before {
		if slices.Contains(attached, arn) {
			continue
		}
		if err := unlessMissing(s.deps.IAM.DetachRolePolicy(ctx, &iamapi.DetachRolePolicyRequest{RoleName: st.Ref, PolicyArn: arn})); err != nil {
			return err
		}
	}
	return nil
}

// inline returns the inline policies of a role by name.
func inline(st *state) map[string]string {
	out := map[string]string{}
	list, _ := st.Members["Policies"].([]any)
	for _, e := range list {
		policy, _ := e.(properties)
		out[text(policy["PolicyName"])] = policyText(policy["PolicyDocument"])
	}
	return out
}

func updateRole(ctx context.Context, s *Service, st, old *state) error {
	iam := s.deps.IAM
	if trust := policyText(st.Members["AssumeRolePolicyDocument"]); trust != policyText(old.Members["AssumeRolePolicyDocument"]) {
		if err := iam.UpdateAssumeRolePolicy(ctx, &iamapi.UpdateAssumeRolePolicyRequest{RoleName: st.Ref, PolicyDocument: trust}); err != nil {
			return err
		}
	}
	if !equal(st.Members["Description"], old.Members["Description"]) || !equal(st.Members["MaxSessionDuration"], old.Members["MaxSessionDuration"]) {
		length := session(st)
		if length == nil {
			length = new(int32(3600))
		}
		if _, err := iam.UpdateRole(ctx, &iamapi.UpdateRoleRequest{RoleName: st.Ref, Description: new(text(st.Members["Description"])), MaxSessionDuration: length}); err != nil {
			return err
		}
	}
	if boundary := text(st.Members["PermissionsBoundary"]); boundary != text(old.Members["PermissionsBoundary"]) {
		var err error
		if boundary == "" {
			err = iam.DeleteRolePermissionsBoundary(ctx, &iamapi.DeleteRolePermissionsBoundaryRequest{RoleName: st.Ref})
		} else {
			err = iam.PutRolePermissionsBoundary(ctx, &iamapi.PutRolePermissionsBoundaryRequest{RoleName: st.Ref, PermissionsBoundary: boundary})
		}
		if err != nil {
			return err
		}
	}
	if err := s.roleTags(ctx, st, old); err != nil {
		return err
	}
	return s.policies(ctx, st, old)
}

func (s *Service) roleTags(ctx context.Context, st, old *state) error {
	wanted, had := tagMap(st.Members["Tags"]), tagMap(old.Members["Tags"])
	var gone []string
	for _, key := range sortedKeys(had) {
		if _, ok := wanted[key]; !ok {
			gone = append(gone, key)
		}
	}
	if len(gone) > 0 {
		if err := s.deps.IAM.UntagRole(ctx, &iamapi.UntagRoleRequest{RoleName: st.Ref, TagKeys: gone}); err != nil {
			return err
		}
	}
	if len(wanted) == 0 || equal(wanted, had) {
		return nil
	}
	return s.deps.IAM.TagRole(ctx, &iamapi.TagRoleRequest{RoleName: st.Ref, Tags: tags(st)})
}

func removeRole(ctx context.Context, s *Service, st *state) error {
	inline, err := s.deps.IAM.ListRolePolicies(ctx, &iamapi.ListRolePoliciesRequest{RoleName: st.Ref})
	if err != nil {
		return unlessMissing(err)
	}
	for _, name := range inline.PolicyNames {
		if err := unlessMissing(s.deps.IAM.DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyRequest{RoleName: st.Ref, PolicyName: name})); err != nil {
			return err
		}
	}
	attached, err := s.deps.IAM.ListAttachedRolePolicies(ctx, &iamapi.ListAttachedRolePoliciesRequest{RoleName: st.Ref})
	if err != nil {
		return unlessMissing(err)
	}
	for _, policy := range attached.AttachedPolicies {
		if err := unlessMissing(s.deps.IAM.DetachRolePolicy(ctx, &iamapi.DetachRolePolicyRequest{RoleName: st.Ref, PolicyArn: api.Val(policy.PolicyArn)})); err != nil {
			return err
		}
	}
	return unlessMissing(s.deps.IAM.DeleteRole(ctx, &iamapi.DeleteRoleRequest{RoleName: st.Ref}))
}

func roleExists(ctx context.Context, s *Service, st *state) (bool, error) {
	_, err := s.deps.IAM.GetRole(ctx, &iamapi.GetRoleRequest{RoleName: st.Ref})
	if invoke.IsMissing(err) {
		return false, nil
	}
	return err == nil, err
}
