package seed

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/api/invoke"
)

// standardAttributes are the attributes that every pool has.
var standardAttributes = []string{
	"sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email", "email_verified",
	"gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at", "identities",
}

const customPrefix = "custom:"

// seedName returns the name of a custom attribute in a seed: its own, or with the prefix if a standard
// attribute has the name.
func seedName(name string) string {
	if slices.Contains(standardAttributes, name) {
		return customPrefix + name
	}
	return name
}

// takeHomonyms moves the custom attributes with the names of standard ones, such as custom:name, from
// the schema to the homonyms: CreateUserPool cannot make them.
func (p *UserPool) takeHomonyms() error {
	var list []json.RawMessage
	if json.Unmarshal(p.Settings["Schema"], &list) != nil {
		return nil //nolint:nilerr // The check by the model says so.
	}
	p.homonyms = nil
	var others []json.RawMessage
	for _, text := range list {
		var named struct{ Name string }
		_ = json.Unmarshal(text, &named)
		name, ok := strings.CutPrefix(named.Name, customPrefix)
		if !ok || !slices.Contains(standardAttributes, name) {
			others = append(others, text)
			continue
		}
		var attribute idp.SchemaAttributeType
		if err := json.Unmarshal(text, &attribute); err != nil {
			return err
		}
		attribute.Name = &name
		p.homonyms = append(p.homonyms, attribute)
	}
	switch {
	case p.homonyms == nil:
		return nil
	case others == nil:
		delete(p.Settings, "Schema")
		return nil
	}
	var err error
	p.Settings["Schema"], err = json.Marshal(others)
	return err
}

// addHomonyms adds the custom attributes with the names of standard ones that the pool does not have.
func (a *applier) addHomonyms(ctx context.Context, id string, homonyms []idp.SchemaAttributeType) error {
	if len(homonyms) == 0 {
		return nil
	}
	return invoke.Again(func() error {
		out, err := a.deps.UserPools.DescribeUserPool(ctx, &idp.DescribeUserPoolRequest{UserPoolId: id})
		if err != nil {
			return err
		}
		var missing []idp.SchemaAttributeType
		for _, h := range homonyms {
			if !slices.ContainsFunc(out.UserPool.SchemaAttributes, func(s idp.SchemaAttributeType) bool { return api.Val(s.Name) == customPrefix+*h.Name }) {
				missing = append(missing, h)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		_, err = a.deps.UserPools.AddCustomAttributes(ctx, &idp.AddCustomAttributesRequest{UserPoolId: id, CustomAttributes: missing})
		return err
	})
}
