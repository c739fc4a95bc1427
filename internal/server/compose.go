package server

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/server/edge"
	"cognate/internal/signin"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/internal/user/devices"
	"cognate/internal/user/factors"
	"cognate/internal/user/groups"
	"cognate/internal/user/imports"
	"cognate/internal/user/passkeys"
	"cognate/internal/wire"
)

// parts are the services of one server.
type parts struct {
	metrics  *audit.Metrics
	gauges   *databaseGauges
	gate     *keys.Gate
	iam      *iam.Service
	pools    *pool.Service
	users    *user.Service
	groups   *groups.Service
	devices  *devices.Service
	passkeys *passkeys.Service
	factors  *factors.Service
	signins  *signin.Service
	tokens   *token.Service
	messages *message.Service
	lockouts *risk.Lockouts
	imports  *imports.Service
	triggers *triggers
	wire     *wire.Handler

	issuerBase func(region string) string
}

// The services under names that tell them apart where they are embedded.
type (
	poolOperations    = pool.Service
	userOperations    = user.Service
	groupOperations   = groups.Service
	deviceOperations  = devices.Service
	passkeyOperations = passkeys.Service
	factorOperations  = factors.Service
	signinOperations  = signin.Service
	tokenOperations   = token.Service
	importOperations  = imports.Service
)

//go:generate go run cognate/test/compat -root ../..

// directory is cognito-idp: each operation is the method of one service. Two
// that have the same one, or none that has it, do not compile.
type directory struct {
	*poolOperations
	*userOperations
	*groupOperations
	*deviceOperations
	*passkeyOperations
	*factorOperations
	*signinOperations
	*tokenOperations
	*importOperations
	unimplemented
}

var _ idp.Service = directory{}

// gateQueue is how many callers may wait for heavy cryptography, for each place:
// at a millisecond or two each, a wait that a person does not notice.
const gateQueue = 256

// compose builds the services, each from those before it.
// ready holds signing keys for new pools; nil makes them when they are needed.
func compose(ctx context.Context, c *Config, st *store.Store, ring *keys.Ring, ready *keys.SigningKeyPool, log *slog.Logger) (*parts, error) {
	places := runtime.GOMAXPROCS(0)
	p := &parts{
		metrics: audit.NewMetrics(c.Version), gate: keys.NewGate(places, places*gateQueue),
		issuerBase: issuerBase(c.IssuerBase),
	}
	mail, sms, err := senders(ctx, c)
	if err != nil {
		return nil, err
	}
	if p.triggers, err = newTriggers(c, log); err != nil {
		return nil, err
	}
	pages := keys.NewPageTokens(func() [32]byte { return ring.Derive(keys.PurposePageToken) })
	p.pools = pool.New(pool.Deps{
		Store: st, Ring: ring, Pages: pages, Now: c.Now, AccountID: c.AccountID, Log: log,
		SenderKeys: p.triggers.keys,
	})
	p.tokens = token.New(token.Deps{
		Store: st, Pools: p.pools, Ring: ring, Gate: p.gate, SigningKeys: ready, Now: c.Now, Log: log,
		Triggers:   p.triggers.Service,
		IssuerBase: func(sn *pool.Snapshot) string { return p.issuerBase(sn.Region) },
	})
	p.messages = message.New(message.Deps{
		Rest:  message.AnswerTime,
		Store: st, Ring: ring, Now: c.Now, Log: log, Mail: mail, SMS: sms, Inbox: c.Mode == Dev,
		Functions: mailing.FunctionSender{Triggers: p.triggers.Service},
	})
	p.lockouts = risk.New(risk.Deps{Store: st, Now: c.Now})
	mails := mailing.New(mailing.Deps{Store: st, Messages: p.messages, Triggers: p.triggers.Service})
	p.users = user.New(user.Deps{
		Store: st, Pools: p.pools, Ring: ring, Gate: p.gate, Tokens: p.tokens, Mail: mails,
		Lockouts: p.lockouts, Pages: pages, Now: c.Now, Log: log, Triggers: p.triggers.Service,
	})
	p.groups = groups.New(groups.Deps{Store: st, Pools: p.pools, Users: p.users, Now: c.Now})
	p.devices = devices.New(devices.Deps{Store: st, Pools: p.pools, Ring: ring, Users: p.users, Now: c.Now})
	p.passkeys = passkeys.New(passkeys.Deps{Store: st, Ring: ring, Users: p.users, LoginHost: edge.LoginHost(c.IssuerBase), Now: c.Now})
	p.factors = factors.New(factors.Deps{Store: st, Ring: ring, Users: p.users, Passkeys: p.passkeys, Now: c.Now, Machine: c.machineNow()})
	p.signins = signin.New(signin.Deps{
		Store: st, Pools: p.pools, Users: p.users, Groups: p.groups, Devices: p.devices, Passkeys: p.passkeys, Factors: p.factors, Mail: mails, Tokens: p.tokens, Ring: ring, Gate: p.gate,
		Lockouts: p.lockouts, Now: c.Now, Machine: c.machineNow(), Log: log, Triggers: p.triggers.Service,
	})
	p.imports = imports.New(imports.Deps{
		Store: st, Pools: p.pools, Users: p.users, Ring: ring, Pages: pages, Gate: p.gate, BaseURL: publicURL(c),
		MaxBytes: c.ImportMaxBytes, KeepOpen: keepOpen, Now: c.Now, Log: log,
	})
	p.iam = iam.New(iam.Deps{
		Store: st, Ring: ring, Now: c.Now, AccountID: c.AccountID, ResourceTags: p.resourceTags,
	})
	p.wire = wire.New(wire.Config{
		Bindings: slices.Concat(
			idp.Bind(directory{p.pools, p.users, p.groups, p.devices, p.passkeys, p.factors, p.signins, p.tokens, p.imports, unimplemented{}}),
			identity.Bind(unimplementedIdentity{}),
		),
		Authority: p.authority(c), AccountID: c.AccountID, MaxBody: c.MaxRequestBytes, Now: c.machineNow(),
		Log: log,
	})
	p.gauges = newDatabaseGauges(st, c)
	p.gauges.register(p.metrics)
	p.registerGauges(c, st)
	p.metrics.Gauge("cognate_crypto_waiting", "Callers that wait for heavy cryptography.", func() float64 { return float64(p.gate.Waiting()) })
	return p, nil
}

// issuerBase returns what stands before "/<pool id>" in an issuer.
func issuerBase(setting string) func(region string) string {
	if setting == edge.AWSIssuer {
		return token.AWSIssuerBase
	}
	return func(string) string { return setting }
}

// originPolicy returns the policy of a development server about hosts and web
// pages. The issuer's origin is admitted: it may be a tunnel's address.
func originPolicy(c *Config) *edge.OriginPolicy {
	named := c.AllowOrigin
	if c.IssuerBase != "" && c.IssuerBase != edge.AWSIssuer {
		named = append(slices.Clip(named), c.IssuerBase)
	}
	return edge.NewOriginPolicy(named, c.Expose)
}

// authority returns the rule by which wire accepts signed operations.
func (p *parts) authority(c *Config) wire.Authority {
	if c.Mode == Dev {
		return wire.Authority{Mode: wire.AcceptAny, AllowUnsigned: c.AllowUnsigned, Screen: originPolicy(c).Screen}
	}
	return wire.Authority{Mode: wire.Verify, IAM: p.iam}
}

// resourceTags returns a pool's tags, for policies that ask for them. A pool that
// does not exist has none: the operation says so, not the policy. The operation
// also refuses a request that names the pool in another Region.
func (p *parts) resourceTags(ctx context.Context, arn string) (map[string]string, error) {
	_, id, ok := strings.Cut(arn, ":userpool/")
	if !ok {
		return nil, nil
	}
	sn, err := p.pools.Load(api.WithRequest(ctx, &api.Request{}), id) // in any Region
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sn.Config.UserPoolTags, nil
}

// close writes what is only in memory, and sends what is due.
func (p *parts) close(ctx context.Context) error {
	return errors.Join(p.lockouts.Flush(ctx), p.messages.Flush(ctx), p.triggers.close())
}

const (
	sweepInterval    = time.Minute
	sweepBatch       = 500
	flushInterval    = 2 * time.Second
	dataKeysInterval = 2 * time.Second // below RetirementBound and keys.SealDelay
	stepInterval     = 10 * time.Minute
	certInterval     = time.Minute
)

// startBackground starts what goes on beside the requests.
func (s *Server) startBackground() {
	b, p, now := s.background, s.parts, s.config.Now
	b.run("outbox", p.messages.Run)
	b.run("imports", p.imports.Run)
	b.run("gauges", p.gauges.run)
	b.every("lock-outs", flushInterval, p.lockouts.Flush)
	watch := &keyWatch{ring: s.ring, log: s.log, now: s.config.machineNow(), epoch: s.ring.Epoch()}
	b.every("data keys", dataKeysInterval, watch.refresh)
	b.every("sweep", sweepInterval, func(ctx context.Context) error {
		for {
			n, err := s.store.Sweep(ctx, now(), sweepBatch)
			if err != nil || n < sweepBatch {
				return err
			}
		}
	})
	b.every("signing keys", stepInterval, p.tokens.Maintain)
	if s.cert != nil {
		b.every("certificate", certInterval, s.cert.refresh)
	}
}
