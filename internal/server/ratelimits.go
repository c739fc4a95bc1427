package server

import (
	"context"

	"cognate/internal/keys"
	"cognate/internal/ratelimit"
	"cognate/internal/risk/rates"
	"cognate/internal/store"
)

// RateLimitSettings are the limits of the request rate.
type RateLimitSettings struct {
	AddressLimits      string   `name:"address-limits" group:"Limits" placeholder:"on|off" help:"Limit the requests of each client address that have no signature and no valid access token. Default on; in dev off. See docs/operations.md."`
	AddressLimit       []string `name:"address-limit" group:"Limits" placeholder:"GROUP=RATE/BURST" help:"Another limit for a group of such requests: requests a second, and how many at once after a pause. GROUP=off has no limit. The defaults are requests=300/600, messages=1/100, codes=10/100, identities=20/200 and scim=1/50."`
	AddressLimitExempt []string `name:"address-limit-exempt" group:"Limits" placeholder:"CIDR" help:"Address blocks without limits by address, such as your own servers that sign people in. Trusted proxies are exempt, too."`
	RateLimits         string   `name:"rate-limits" group:"Limits" placeholder:"off|cognito" help:"Limit the requests of all clients together, by Cognito's categories of operations and with Cognito's numbers. Default off. UpdateProvisionedLimit turns the limit of its category on in any case."`
	RateLimit          []string `name:"rate-limit" group:"Limits" placeholder:"CATEGORY=N" help:"Another limit for a category, in requests a second, such as UserAuthentication=500. It holds with --rate-limits off, too. CATEGORY=off has no limit."`
}

func (c *Config) checkRateLimits(add addProblem) {
	if c.RateLimits != ratelimit.Off && c.RateLimits != ratelimit.Cognito {
		add("rate-limits", "must be off or cognito")
	}
	if c.AddressLimits != ratelimit.Off && c.AddressLimits != ratelimit.On {
		add("address-limits", "must be on or off")
	}
	if _, err := ratelimit.ParseCategories(c.RateLimit); err != nil {
		add("rate-limit", "%v", err)
	}
	if _, err := ratelimit.ParseGroups(c.AddressLimit); err != nil {
		add("address-limit", "%v", err)
	}
	if _, err := addressBlocks(c.AddressLimitExempt); err != nil {
		add("address-limit-exempt", "%v", err)
	}
}

// composeRateLimits builds the limits of the request rate.
func (v *services) composeRateLimits(ctx context.Context, c *Config, st *store.Store, ring *keys.Ring) error {
	// Check has read the settings before.
	own, _ := ratelimit.ParseCategories(c.RateLimit)
	groups, _ := ratelimit.ParseGroups(c.AddressLimit)
	exempt, _ := addressBlocks(c.AddressLimitExempt)
	proxies, _ := c.trustedProxies()
	d := rates.Deps{Now: c.machineNow()}
	if c.Database != "" { // Otherwise this is the only server.
		d.Store = st
	}
	secret := ring.Hash(ratelimit.Secret)
	copy(d.Secret[:], secret[:])
	v.rates = rates.New(d)
	v.limits = ratelimit.New(ratelimit.Deps{
		Store: st, Rates: v.rates, Metrics: v.metrics, Now: c.Now,
		Settings: ratelimit.Settings{
			Categories: c.RateLimits == ratelimit.Cognito, Own: own,
			Addresses: c.AddressLimits == ratelimit.On, Groups: groups, Exempt: append(exempt, proxies...),
		},
	})
	return v.limits.Refresh(ctx)
}
