package ratelimit

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/risk/rates"
)

// A Group is a kind of requests that are counted by client address.
type Group string

const (
	// Requests are all requests of strangers.
	Requests Group = "requests"
	// Messages are requests that send a message or store something new.
	Messages Group = "messages"
	// Codes are answers to codes, and sign-ins that begin with a code.
	Codes Group = "codes"
	// Identities are requests for identities, their tokens and credentials. They may
	// call another identity provider.
	Identities Group = "identities"
	// SCIM are requests of directories with a wrong token, by user pool.
	SCIM Group = "scim"
)

// groups has the default limits. They leave room for an office or a mobile network
// behind one address.
var groups = []struct {
	name  Group
	limit rates.Limit
}{
	{Requests, rates.NewLimit(300, 600)},
	{Messages, rates.NewLimit(1, 100)},
	{Codes, rates.NewLimit(10, 100)},
	{Identities, rates.NewLimit(20, 200)},
	{SCIM, rates.NewLimit(1, 50)},
}

// metricNames are the groups beside the categories of operations in the metrics.
var metricNames = map[Group]string{
	Requests: "address requests", Messages: "address messages", Codes: "address codes", Identities: "address identities", SCIM: "address scim",
}

// operationGroups are the groups of public operations besides Requests.
var operationGroups = map[string]Group{
	"cognito-idp:SignUp":                 Messages,
	"cognito-idp:ForgotPassword":         Messages,
	"cognito-idp:ResendConfirmationCode": Messages,

	"cognito-idp:ConfirmSignUp":           Codes,
	"cognito-idp:ConfirmForgotPassword":   Codes,
	"cognito-idp:UpdateAuthEventFeedback": Codes,

	"cognito-identity:GetId":                     Identities,
	"cognito-identity:GetOpenIdToken":            Identities,
	"cognito-identity:GetCredentialsForIdentity": Identities,
	"cognito-identity:UnlinkIdentity":            Identities,
	"sts:AssumeRoleWithWebIdentity":              Identities,
	"sts:AssumeRoleWithSAML":                     Identities,
}

// ParseGroups reads limits by client address: "messages=0.5/20" is one message in two
// seconds and 20 at once, "messages=off" is no limit.
func ParseGroups(list []string) (map[Group]rates.Limit, error) {
	limits := map[Group]rates.Limit{}
	for _, text := range list {
		name, value, _ := strings.Cut(text, "=")
		known := false
		for _, g := range groups {
			known = known || string(g.name) == name
		}
		if !known {
			return nil, fmt.Errorf("%q does not begin with one of requests, messages, codes, identities and scim", text)
		}
		if value == Off {
			limits[Group(name)] = rates.Limit{}
			continue
		}
		rate, burst, _ := strings.Cut(value, "/")
		perSecond, err := strconv.ParseFloat(rate, 64)
		n, burstErr := strconv.Atoi(burst)
		if err != nil || burstErr != nil || !(perSecond >= 1e-4 && perSecond <= maxRate) || n < 1 || n > maxRate {
			return nil, fmt.Errorf("%q must be like %s=10/100: requests a second, and requests at once after a pause; or %s=off", text, name, name)
		}
		limits[Group(name)] = rates.NewLimit(perSecond, n)
	}
	return limits, nil
}

// Values of settings.
const (
	Off     = "off"
	On      = "on"
	Cognito = "cognito"
)

const maxRate = 1_000_000

// Arrived counts a request for a public operation by its client's address.
func (s *Service) Arrived(ctx context.Context, op *api.Operation) error {
	if op.Auth != api.AuthNone || !s.deps.Settings.Addresses {
		return nil
	}
	network, limited := s.client(ctx)
	if !limited {
		return nil
	}
	if wait := s.count(ctx, Requests, network); wait > 0 {
		return errRateExceeded
	}
	if g, ok := operationGroups[op.Action()]; ok {
		return asError(s.count(ctx, g, network))
	}
	return nil
}

// Failed counts a request whose signature or access token is not valid. It returns the
// error to answer in place of err if there were too many.
func (s *Service) Failed(ctx context.Context, err error) error {
	if s.byAddress(ctx, Requests) > 0 {
		return errRateExceeded.WithCause(err)
	}
	return err
}

// byAddress counts a request by its client's address.
func (s *Service) byAddress(ctx context.Context, g Group) (wait time.Duration) {
	network, limited := s.client(ctx)
	if !limited {
		return 0
	}
	return s.count(ctx, g, network)
}

func (s *Service) count(ctx context.Context, g Group, network netip.Addr) (wait time.Duration) {
	return s.refuse(ctx, metricNames[g], s.deps.Rates.Allow(s.deps.Rates.AddressKey(string(g), network), s.groups[g]))
}

// client returns the network of the client's address. limited is false if it has no
// limits.
func (s *Service) client(ctx context.Context) (network netip.Addr, limited bool) {
	if !s.deps.Settings.Addresses {
		return netip.Addr{}, false
	}
	text := api.RequestFrom(ctx).SourceIP
	if len(s.deps.Settings.Exempt) > 0 {
		if a, err := netip.ParseAddr(text); err == nil {
			for _, block := range s.deps.Settings.Exempt {
				if block.Contains(a.Unmap().WithZone("")) {
					return netip.Addr{}, false
				}
			}
		}
	}
	network, _ = api.Network(text) // Clients without an address count as one.
	return network, true
}

// sendsCode reports whether a public request begins a sign-in by a code that is sent.
func sendsCode(in any) bool {
	var challenge string
	switch in := in.(type) {
	case *idp.InitiateAuthRequest:
		challenge = in.AuthParameters["PREFERRED_CHALLENGE"]
	case *idp.RespondToAuthChallengeRequest:
		challenge = in.ChallengeResponses["ANSWER"]
	}
	return challenge == string(idp.ChallengeNameTypeEmailOtp) || challenge == string(idp.ChallengeNameTypeSmsOtp)
}

// Blocked returns how long a client has to wait that sent many wrong tokens for a
// pool's directories.
func (s *Service) Blocked(ctx context.Context, poolID string) (wait time.Duration) {
	network, limited := s.client(ctx)
	if !limited || !s.deps.Rates.Full(s.directoryKey(poolID, network), s.groups[SCIM]) {
		return 0
	}
	return s.refuse(ctx, metricNames[SCIM], time.Second)
}

// WrongToken counts a wrong token for a pool's directories.
func (s *Service) WrongToken(ctx context.Context, poolID string) {
	if network, limited := s.client(ctx); limited {
		s.deps.Rates.Allow(s.directoryKey(poolID, network), s.groups[SCIM])
	}
}

func (s *Service) directoryKey(poolID string, network netip.Addr) rates.Key {
	return s.deps.Rates.Key(string(SCIM), poolID, network.String())
}
