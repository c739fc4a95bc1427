package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// simulation is what both simulators decide: each action on each resource.
type simulation struct {
	layers    policy.Layers
	actions   []string
	resources []string
	principal policy.Principal
	context   policy.Context
	place     place
}

// maxSimulated bounds the decisions of one request.
const maxSimulated = 10_000

// inputPolicies parses policies that a simulation's input has.
func inputPolicies(kind policy.Kind, name string, texts []string) (out []*policy.Document, err error) {
	for i, text := range texts {
		d, err := policy.Parse(kind, []byte(text), policy.Options{Name: fmt.Sprintf("%s.%d", name, i+1)})
		if fault, ok := errors.AsType[*policy.Error](err); ok {
			return nil, iamapi.InvalidInputExceptionf("Invalid policy %s.%d: %s", name, i+1, fault.Text).WithCause(err)
		}
		out = append(out, d)
	}
	return out, nil
}

// contextOf reads the condition keys of a simulation's input.
func contextOf(entries []iamapi.ContextEntry) (c policy.Context, err error) {
	for _, e := range entries {
		if e.ContextKeyName == nil {
			return c, iamapi.InvalidInputException("A context entry needs a key name.")
		}
		c.Set(*e.ContextKeyName, e.ContextKeyValues...)
	}
	return c, nil
}

// SimulateCustomPolicy decides by policies of the input.
func (s *Service) SimulateCustomPolicy(_ context.Context, in *iamapi.SimulateCustomPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	identity, err := inputPolicies(policy.Identity, "PolicyInputList", in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	p := iamapi.SimulatePrincipalPolicyRequest{
		PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList, ActionNames: in.ActionNames, ResourceArns: in.ResourceArns,
		ResourcePolicy: in.ResourcePolicy, ResourceOwner: in.ResourceOwner, CallerArn: in.CallerArn, ContextEntries: in.ContextEntries, MaxItems: in.MaxItems, Marker: in.Marker,
	}
	return s.simulate("SimulateCustomPolicy", policy.Layers{Identity: identity}, &p)
}

// SimulatePrincipalPolicy decides by the policies of a user, a group or a role.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	g, err := s.grantsOf(ctx, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	more, err := inputPolicies(policy.Identity, "PolicyInputList", in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	p := *in
	if p.CallerArn == nil && g.Entity.Kind != store.IAMGroup {
		p.CallerArn = &in.PolicySourceArn
	}
	return s.simulate("SimulatePrincipalPolicy", policy.Layers{Identity: slices.Concat(g.Policies, more), Boundary: g.Boundary}, &p)
}

// grantsOf reads the policies of the user, the group or the role with an ARN.
func (s *Service) grantsOf(ctx context.Context, arn string) (g *iam.Grants, err error) {
	missing := iamapi.NoSuchEntityExceptionf("The principal %s cannot be found.", arn)
	p, ok := record.ParseARN(arn)
	if !ok || p.Account != s.deps.AccountID || !slices.Contains([]string{store.IAMUser, store.IAMGroup, store.IAMRole}, p.Kind) {
		return nil, iamapi.InvalidInputExceptionf("Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
	}
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		g, err = s.deps.IAM.ReadGrants(ctx, r, p.Kind, record.Key(p.Name))
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && g.Entity.ARN(s.deps.AccountID) != arn {
		return nil, missing
	}
	return g, err
}

func (s *Service) simulate(op string, layers policy.Layers, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	bounds, err := inputPolicies(policy.Boundary, "PermissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList)
	if err != nil {
		return nil, err
	}
	if len(bounds) > 0 {
		layers.Boundary = bounds // They take the place of the entity's own boundary.
	}
	if in.ResourcePolicy != nil {
		if layers.Resource, err = inputPolicies(policy.Resource, "ResourcePolicy", []string{*in.ResourcePolicy}); err != nil {
			return nil, err
		}
	}
	sim := simulation{
		layers: layers, actions: in.ActionNames, resources: in.ResourceArns,
		principal: policy.Principal{Account: s.deps.AccountID, ARN: api.Val(in.CallerArn)},
		place:     place{op: op, bind: []string{in.PolicySourceArn}, marker: in.Marker, max: in.MaxItems},
	}
	if len(sim.resources) == 0 {
		sim.resources = []string{"*"}
	}
	if len(sim.actions)*len(sim.resources) > maxSimulated {
		return nil, iamapi.InvalidInputExceptionf("A simulation decides at most %d pairs of action and resource.", maxSimulated)
	}
	for _, a := range sim.actions {
		if service, name, ok := strings.Cut(a, ":"); !ok || service == "" || name == "" || strings.ContainsAny(a, "*? ") {
			return nil, iamapi.InvalidInputExceptionf("Invalid Action Name: %s", a)
		}
	}
	if sim.context, err = contextOf(in.ContextEntries); err != nil {
		return nil, err
	}
	return s.run(sim, ownerAccount(api.Val(in.ResourceOwner)))
}

// ownerAccount returns the account in the ARN of a resource's owner.
func ownerAccount(owner string) string {
	if parts := strings.Split(owner, ":"); len(parts) > 4 {
		return parts[4]
	}
	return owner
}

// run decides the pairs of one page.
func (s *Service) run(sim simulation, owner string) (*iamapi.SimulatePolicyResponse, error) {
	type pair struct {
		order, action, resource string
	}
	var pairs []pair
	for _, a := range sim.actions {
		for _, r := range sim.resources {
			pairs = append(pairs, pair{fmt.Sprintf("%06d", len(pairs)), a, r})
		}
	}
	pairs, next, err := page(s, sim.place, pairs, func(p pair) string { return p.order })
	out := &iamapi.SimulatePolicyResponse{EvaluationResults: []iamapi.EvaluationResult{}, IsTruncated: new(next != nil), Marker: next}
	for _, p := range pairs {
		x := policy.Explain(sim.layers, &policy.Request{
			Action: p.action, Resource: p.resource, Principal: sim.principal, ResourceAccount: owner, Context: sim.context,
		})
		result := iamapi.EvaluationResult{
			EvalActionName: p.action, EvalResourceName: &p.resource, EvalDecision: iamapi.PolicyEvaluationDecisionType(x.Decision.String()),
			MatchedStatements: statements(x.Matches), MissingContextValues: slices.Concat([]string{}, x.Missing),
		}
		if len(sim.layers.Boundary) > 0 {
			result.PermissionsBoundaryDecisionDetail = &iamapi.PermissionsBoundaryDecisionDetail{
				AllowedByPermissionsBoundary: new(x.Decisions[policy.BoundaryLayer] == policy.Allow),
			}
		}
		out.EvaluationResults = append(out.EvaluationResults, result)
	}
	return out, err
}

// statements are the statements that decided, with their places in their policies.
func statements(matches []policy.Match) []iamapi.Statement {
	out := []iamapi.Statement{}
	for _, m := range matches {
		st := iamapi.Statement{SourcePolicyId: new(m.Document.Name()), SourcePolicyType: sourceType(m)}
		if m.Document.Len() > 0 {
			st.StartPosition = &iamapi.Position{Line: new(int32(m.Start.Line)), Column: new(int32(m.Start.Column))}
			st.EndPosition = &iamapi.Position{Line: new(int32(m.End.Line)), Column: new(int32(m.End.Column))}
		}
		out = append(out, st)
	}
	return out
}

func sourceType(m policy.Match) iamapi.PolicySourceType {
	switch {
	case m.Layer == policy.ResourceLayer:
		return iamapi.PolicySourceTypeResource
	case strings.Contains(m.Document.Name(), ":iam::aws:policy/"):
		return iamapi.PolicySourceTypeAwsManaged
	case strings.Contains(m.Document.Name(), ":policy/"):
		return iamapi.PolicySourceTypeUserManaged
	}
	return iamapi.PolicySourceTypeNone
}

// GetContextKeysForCustomPolicy lists the condition keys that policies name.
func (s *Service) GetContextKeysForCustomPolicy(_ context.Context, in *iamapi.GetContextKeysForCustomPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	list, err := inputPolicies(policy.Identity, "PolicyInputList", in.PolicyInputList)
	return &iamapi.GetContextKeysForPolicyResponse{ContextKeyNames: contextKeys(list)}, err
}

// GetContextKeysForPrincipalPolicy lists the condition keys that the policies of an entity name.
func (s *Service) GetContextKeysForPrincipalPolicy(ctx context.Context, in *iamapi.GetContextKeysForPrincipalPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	g, err := s.grantsOf(ctx, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	list, err := inputPolicies(policy.Identity, "PolicyInputList", in.PolicyInputList)
	return &iamapi.GetContextKeysForPolicyResponse{ContextKeyNames: contextKeys(slices.Concat(g.Policies, list))}, err
}

func contextKeys(list []*policy.Document) []string {
	names := []string{}
	for _, d := range list {
		for _, key := range d.ContextKeys() {
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, key) }) {
				names = append(names, key)
			}
		}
	}
	return names
}
