// Package ratelimit limits how many requests a second the server takes. It has two
// kinds of limits:
//
//   - Limits by client address are for what strangers may send: requests without a
//     signature and without a valid access token. They protect the server, the mail
//     and the SMS bill from one client.
//   - Limits of categories are Cognito's (Cognito: quotas, request rates): all requests
//     of one category of operations together, and less for one user or pool. They
//     include the operations GetProvisionedLimit and UpdateProvisionedLimit.
//
// Package rates counts. A request beyond a limit does not count, so a client is served
// again as soon as it sends fewer requests. No limit depends on the user that a stranger
// names: so nobody can make the server refuse another person's requests from elsewhere,
// and no refusal tells who exists.
package ratelimit

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"sync"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/risk/rates"
	"cognate/internal/store"
)

// Settings are the limits that the operator chose.
type Settings struct {
	// Categories turns on the limits of categories with Cognito's numbers.
	Categories bool
	// Own has the operator's numbers for categories: requests a second, or 0 for no
	// limit.
	Own map[string]int
	// Addresses turns on the limits by client address.
	Addresses bool
	// Groups has the operator's limits by client address.
	Groups map[Group]rates.Limit
	// Exempt are addresses without such limits, such as those of the operator's own
	// servers and of trusted proxies.
	Exempt []netip.Prefix
}

// Secret labels the secret of the keys of package rates.
const Secret keys.Purpose = "request rates"

// Deps are what Service is built from.
type Deps struct {
	Store    *store.Store
	Rates    *rates.Rates
	Metrics  *audit.Metrics
	Settings Settings
	Now      func() time.Time
}

// Service applies the limits.
type Service struct {
	deps       Deps
	groups     map[Group]rates.Limit
	categories map[string]*categoryLimit // by name
	operations map[string]*categoryLimit // by operation of cognito-idp
	loading    sync.Mutex                // an older list of provisioned limits must not replace a newer one
}

// New makes the service. Refresh reads the provisioned limits.
func New(d Deps) *Service {
	s := &Service{deps: d, groups: map[Group]rates.Limit{}, categories: map[string]*categoryLimit{}, operations: map[string]*categoryLimit{}}
	for _, g := range groups {
		s.groups[g.name] = g.limit
	}
	maps.Copy(s.groups, d.Settings.Groups)
	for i := range categories {
		c := &categoryLimit{category: &categories[i], key: d.Rates.Key("category", categories[i].name)}
		c.answers = d.Rates.Key("category", c.name, "answers")
		c.set(s.effective(c.category, 0))
		s.categories[c.name] = c
		for _, op := range c.operations {
			s.operations[op] = c
		}
	}
	return s
}

// Refresh exchanges the counts of busy keys with the other servers, and reads the
// provisioned limits, which another server may have changed. It is called once a
// second.
func (s *Service) Refresh(ctx context.Context) error {
	return errors.Join(s.deps.Rates.Exchange(ctx), s.loadProvisioned(ctx))
}

// errRateExceeded refuses an operation.
var errRateExceeded = idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonRateLimited)

// refuse counts a refusal. category is one of a fixed list.
func (s *Service) refuse(ctx context.Context, category string, wait time.Duration) time.Duration {
	if wait > 0 {
		t := audit.Throttle{Category: category}
		if of, ok := ctx.Value(routeKey{}).(routeOf); ok {
			t.Kind, t.Pool = of.kind, of.poolID
		} else if r := api.RequestFrom(ctx); r.Service == idp.Info.Name {
			t.Kind, t.Admin = attempts[r.Operation], !r.Anonymous
		}
		s.deps.Metrics.Throttled(t)
	}
	return wait
}

// attempts are the operations that are attempts of a kind.
var attempts = map[string]audit.AttemptKind{
	"SignUp": audit.SignUp, "AdminCreateUser": audit.SignUp,
	"InitiateAuth": audit.SignIn, "AdminInitiateAuth": audit.SignIn, "RespondToAuthChallenge": audit.SignIn,
	"AdminRespondToAuthChallenge": audit.SignIn, "GetTokensFromRefreshToken": audit.TokenRefresh,
}

// routeOf describes a request to a path of a domain.
type routeOf struct {
	kind   audit.AttemptKind
	poolID string
}

type routeKey struct{}

func asError(wait time.Duration) error {
	if wait > 0 {
		return errRateExceeded
	}
	return nil
}
