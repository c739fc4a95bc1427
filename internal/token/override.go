package token

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cognate/internal/trigger"
)

// An Override holds the changes of a PreTokenGeneration trigger to the tokens of one
// issue. A nil Override changes nothing.
type Override struct {
	trigger.PreTokenGenerationResponse
}

// Override calls the pool's PreTokenGeneration trigger for a grant whose tokens are
// issued later, and returns what it changes; nil where the pool has no such trigger.
// No transaction may be open.
func (s *Service) Override(ctx context.Context, g Grant) (*Override, error) {
	m, err := s.newIssueData(&g)
	if err != nil {
		return nil, err
	}
	return s.preTokenGeneration(ctx, &g, m)
}

// preTokenGeneration asks the pool's function, if there is one. The answer holds
// for this issue only.
func (s *Service) preTokenGeneration(ctx context.Context, g *Grant, m *issueData) (*Override, error) {
	t := g.Pool.Triggers().PreTokenGenerationConfig
	if t == nil {
		return nil, nil
	}
	source := g.Source
	if source == "" {
		source = trigger.SourceTokenAuthentication
	}
	groups := &trigger.GroupConfiguration{GroupsToOverride: groupNames(m.groups)}
	var preferred string
	if groups.IAMRolesToOverride, preferred = rolesOf(m.groups); preferred != "" {
		groups.PreferredRole = &preferred
	}
	answer, err := s.deps.Triggers.PreTokenGeneration(ctx, t.LambdaArn, t.LambdaVersion,
		g.Pool.Event(source, g.Subject.Username, g.Client.ID), trigger.PreTokenGenerationRequest{
			UserAttributes:     g.Pool.EventAttributes(g.Subject.UserID, g.Subject.Status, g.Subject.Attributes),
			GroupConfiguration: groups, Scopes: scopesOf(g), ClientMetadata: g.ClientMetadata,
		})
	if err != nil {
		return nil, err
	}
	return &Override{answer}, nil
}

// scopesOf returns the scopes of the access token before a function changes them.
func scopesOf(g *Grant) []string {
	if g.OAuth {
		return g.Scopes
	}
	return []string{userScope}
}

const (
	claimGroups    = "cognito:groups"
	claimRoles     = "cognito:roles"
	claimPreferred = "cognito:preferred_role"
)

// id changes the payload of an ID token.
func (o *Override) id(payload []byte) ([]byte, error) {
	if o == nil {
		return payload, nil
	}
	return rewrite(payload, func(claims map[string]json.RawMessage) error {
		if g := o.Groups; g != nil {
			if err := o.replaceGroups(claims); err != nil {
				return err
			}
			if err := putTexts(claims, claimRoles, g.IAMRolesToOverride); err != nil {
				return err
			}
			delete(claims, claimPreferred)
			if g.PreferredRole != nil {
				if err := put(claims, claimPreferred, *g.PreferredRole); err != nil {
					return err
				}
			}
		}
		for name, value := range o.IDToken.Claims {
			if mayAdd(name) && !(complexValue(value) && typedClaim(name)) {
				claims[name] = value
			}
		}
		for _, name := range o.IDToken.Suppress {
			switch {
			case name == claimGroups:
				delete(claims, claimGroups)
				delete(claims, claimRoles)
				delete(claims, claimPreferred)
			case !protectedClaim(name):
				delete(claims, name)
			}
		}
		return nil
	})
}

// access changes the payload of an access token.
func (o *Override) access(g *Grant, payload []byte) ([]byte, error) {
	if o == nil {
		return payload, nil
	}
	return rewrite(payload, func(claims map[string]json.RawMessage) error {
		if o.Groups != nil {
			if err := o.replaceGroups(claims); err != nil {
				return err
			}
		}
		for name, value := range o.AccessToken.Claims {
			if mayAdd(name) || name == "aud" && isText(value, g.Client.ID) {
				claims[name] = value
			}
		}
		for _, name := range o.AccessToken.Suppress {
			if name == claimGroups || !protectedClaim(name) && name != "scope" {
				delete(claims, name)
			}
		}
		return put(claims, "scope", strings.Join(o.scopes(scopesOf(g)), " "))
	})
}

// scopes returns the granted scopes and the added ones, without the suppressed ones.
func (o *Override) scopes(granted []string) []string {
	scopes := slices.Clone(granted)
	for _, scope := range o.AccessToken.ScopesToAdd {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return slices.DeleteFunc(scopes, func(scope string) bool { return slices.Contains(o.AccessToken.ScopesToSuppress, scope) })
}

func (o *Override) replaceGroups(claims map[string]json.RawMessage) error {
	return putTexts(claims, claimGroups, o.Groups.GroupsToOverride)
}

// mayAdd reports whether a function may add or override the claim (Cognito:
// pre-token-generation trigger, claims that cannot be changed). Other claims of its
// answer are ignored.
func mayAdd(name string) bool {
	return name != "" && name != "scope" && !strings.HasPrefix(name, "dev:") && !protectedClaim(name)
}

// protectedClaim reports whether only the service may set the claim.
func protectedClaim(name string) bool {
	switch name {
	case "sub", "username", "identities", "client_id", "event_id", "device_key", "version", "acr", "amr", "at_hash", "aud",
		"auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce", "origin_jti", "token_use":
		return true
	}
	return strings.HasPrefix(name, "cognito:")
}

// typedClaim reports whether the claim of the ID token has a fixed type.
func typedClaim(name string) bool {
	return slices.Contains([]string{"phone_number_verified", "email_verified", "updated_at", "address"}, name)
}

func complexValue(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	return len(v) > 0 && (v[0] == '{' || v[0] == '[')
}

func isText(v json.RawMessage, want string) bool {
	var s string
	return json.Unmarshal(v, &s) == nil && s == want
}

// rewrite changes the claims of a payload. Each value that is not changed stays
// as it was written.
func rewrite(payload []byte, change func(map[string]json.RawMessage) error) ([]byte, error) {
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, fmt.Errorf("token: claims: %w", err)
	}
	if err := change(claims); err != nil {
		return nil, fmt.Errorf("token: claims: %w", err)
	}
	o := newObject(len(payload))
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		o.name(name)
		o.b = append(o.b, claims[name]...)
	}
	return o.done(), nil
}

func put(claims map[string]json.RawMessage, name string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		claims[name] = text
	}
	return err
}

// putTexts sets a claim, or removes it if the list is empty.
func putTexts(claims map[string]json.RawMessage, name string, values []string) error {
	if len(values) == 0 {
		delete(claims, name)
		return nil
	}
	return put(claims, name, values)
}
