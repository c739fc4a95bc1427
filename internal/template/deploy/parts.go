package deploy

import (
	"context"
	"reflect"
	"strings"

	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/pool/chosenid"
)

// refIs returns the ref function of resources whose Ref is a member.
func refIs(name string) func(*plan, properties) string {
	return func(_ *plan, members properties) string { return text(members[name]) }
}

// refOf returns the ref function of resources without a name of their own. Their Ref joins some members.
func refOf(names ...string) func(*plan, properties) string {
	return func(_ *plan, members properties) string {
		parts := make([]string, 0, len(names))
		for _, name := range names {
			parts = append(parts, text(members[name]))
		}
		return strings.Join(parts, "-")
	}
}

// idIsRef returns the attributes of types whose attribute Id is the Ref.
func idIsRef(_ *Service, st *state) properties { return properties{"Id": st.Ref} }

func domainAttributes(_ *Service, st *state) properties {
	target, _ := st.Made["CloudFrontDomain"].(string)
	return properties{"CloudFrontDistribution": target}
}

// domainExists reports whether the domain belongs to its user pool. Cognito describes an unknown domain
// as one without members.
func domainExists(ctx context.Context, s *Service, st *state) (bool, error) {
	answer, err := s.call(ctx, "DescribeUserPoolDomain", reflect.TypeFor[idp.DescribeUserPoolDomainRequest](), st.Members)
	if err != nil {
		return false, err
	}
	owner, _ := member(answer, "UserPoolId")
	return owner == st.Members["UserPoolId"], nil
}

// updateUser changes the attributes of a user. Its other properties say how it is created.
func updateUser(ctx context.Context, s *Service, st, old *state) error {
	if equal(st.Members["UserAttributes"], old.Members["UserAttributes"]) {
		return nil
	}
	list, _ := st.Members["UserAttributes"].([]any)
	before, _ := old.Members["UserAttributes"].([]any)
	has := map[string]bool{}
	for _, a := range list {
		has[attributeName(a)] = true
	}
	var gone []any
	for _, a := range before {
		if name := attributeName(a); !has[name] {
			gone = append(gone, name)
		}
	}
	if len(list) > 0 {
		if _, err := s.call(ctx, "AdminUpdateUserAttributes", reflect.TypeFor[idp.AdminUpdateUserAttributesRequest](), st.all()); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	members := st.all()
	members["UserAttributeNames"] = gone
	_, err := s.call(ctx, "AdminDeleteUserAttributes", reflect.TypeFor[idp.AdminDeleteUserAttributesRequest](), members)
	return err
}

// chosenIdentityPool returns the id that the tags of an identity pool choose.
func chosenIdentityPool(p *plan, members properties) string {
	tags, _ := members["IdentityPoolTags"].(properties)
	id, _ := chosenid.FromIdentityPoolTags(stringMap(tags), p.region) // prepareIdentityPool reports the error.
	return id
}

// completeIdentityPool converts the list of tags to an object.
func completeIdentityPool(_ *plan, _ *item, members properties) {
	if list, ok := members["IdentityPoolTags"].([]any); ok {
		members["IdentityPoolTags"] = tagMap(list)
	}
}

// prepareIdentityPool chooses the id of a new identity pool.
func prepareIdentityPool(p *plan, it *item) {
	st := &it.want
	tags, _ := st.Members["IdentityPoolTags"].(properties)
	if _, err := chosenid.FromIdentityPoolTags(stringMap(tags), p.region); err != nil {
		p.wrong(it, "IdentityPoolTags", "%v", err)
	}
	if st.Ref == "" {
		st.Ref = p.unused(it, func(n int) string { return p.region + ":" + p.derived(it, n).uuid() }, func(id string) (bool, error) {
			return it.kind.exists(p.ctx, p.Service, &state{Made: properties{"IdentityPoolId": id}})
		})
	}
	p.check(it, st.all())
}

// stringMap returns an object whose members are texts.
func stringMap(object properties) map[string]string {
	out := map[string]string{}
	for name, value := range object {
		out[name] = text(value)
	}
	return out
}

// tagMap returns the tags of a list as an object.
func tagMap(list any) properties {
	tags := properties{}
	entries, _ := list.([]any)
	for _, e := range entries {
		t, _ := e.(properties)
		key, _ := t["Key"].(string)
		tags[key], _ = t["Value"].(string)
	}
	return tags
}

func createIdentityPool(ctx context.Context, s *Service, st *state) error {
	in, err := s.decode("CreateIdentityPool", reflect.TypeFor[identity.CreateIdentityPoolInput](), st.all())
	if err != nil {
		return err
	}
	_, err = s.deps.IdentityPools.CreateIdentityPoolAs(ctx, in.(*identity.CreateIdentityPoolInput), st.Ref)
	return err
}

func identityPoolAttributes(_ *Service, st *state) properties {
	return properties{"Id": st.Ref, "Name": st.Members["IdentityPoolName"]}
}

// completeRoles replaces the keys of role mappings by the identity providers of the mappings.
func completeRoles(_ *plan, _ *item, members properties) {
	mappings, _ := members["RoleMappings"].(properties)
	byProvider := properties{}
	for _, name := range sortedKeys(mappings) {
		mapping, _ := mappings[name].(properties)
		key := name
		if provider, ok := mapping["IdentityProvider"].(string); ok {
			key, mapping = provider, without(mapping, "IdentityProvider")
		}
		byProvider[key] = mapping
	}
	if mappings != nil {
		members["RoleMappings"] = byProvider
	}
	if members["Roles"] == nil {
		members["Roles"] = properties{}
	}
}
