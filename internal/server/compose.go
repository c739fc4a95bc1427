package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/cloudtrail"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/api/sts"
	"cognate/internal/audit"
	"cognate/internal/audit/activity"
	"cognate/internal/audit/cloudwatch"
	"cognate/internal/audit/delivery"
	"cognate/internal/audit/intake"
	"cognate/internal/audit/trail"
	"cognate/internal/audit/trail/lookup"
	"cognate/internal/credentials"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/internal/iam"
	"cognate/internal/iam/account"
	"cognate/internal/identitypool"
	"cognate/internal/keys"
	"cognate/internal/login"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/oauth"
	"cognate/internal/pool"
	"cognate/internal/pool/branding"
	"cognate/internal/pool/chosenid"
	"cognate/internal/pool/logs"
	"cognate/internal/pool/providers"
	"cognate/internal/pool/risksettings"
	"cognate/internal/privacy"
	"cognate/internal/protection"
	"cognate/internal/protection/authevents"
	"cognate/internal/protection/newpassword"
	"cognate/internal/ratelimit"
	"cognate/internal/risk"
	"cognate/internal/risk/rates"
	"cognate/internal/scim"
	"cognate/internal/seed"
	"cognate/internal/server/contents"
	"cognate/internal/server/datakeys"
	"cognate/internal/server/development"
	"cognate/internal/server/edge"
	"cognate/internal/server/gauges"
	"cognate/internal/server/riskdata"
	"cognate/internal/signin"
	"cognate/internal/signin/refresh"
	"cognate/internal/store"
	"cognate/internal/template"
	"cognate/internal/template/deploy"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/internal/user/devices"
	"cognate/internal/user/factors"
	"cognate/internal/user/groups"
	"cognate/internal/user/identities"
	"cognate/internal/user/passkeys"
	"cognate/internal/user/provision"
	"cognate/internal/user/registration"
	"cognate/internal/user/userimport"
	"cognate/internal/wire"
)

// services are the services of one server.
type services struct {
	metrics      *audit.Metrics
	intake       *intake.Intake
	trail        *trail.Trail
	recorder     *trail.Trail // nil if requests are not recorded
	destinations delivery.Destinations
	gauges       *gauges.Database
	activity     *activity.Service
	publisher    *cloudwatch.Publisher // nil if none is configured
	gate         *keys.Gate
	iam          *iam.Service
	account      *account.Service
	credentials  *credentials.Service
	pools        *pool.Service
	branding     *branding.Service
	providers    *providers.Service
	risk         *risksettings.Service
	logs         *logs.Service
	deliveries   []logs.Delivery
	calls        *fetch.Client // of identity providers
	riskData     *riskdata.Data
	// socialEndpoints replace URLs of social providers, by type and by key of ProviderDetails.
	socialEndpoints map[string]map[string]string

	users      *user.Service
	groups     *groups.Service
	identities *identities.Service
	scim       *scim.Service

	privacy       *privacy.Service
	identityPools *identitypool.Service
	devices       *devices.Service
	passkeys      *passkeys.Service
	factors       *factors.Service
	signins       *signin.Service
	refreshes     *refresh.Service
	tokens        *token.Service
	oauth         *oauth.Service
	login         *login.Service
	messages      *message.Service
	lockouts      *risk.Lockouts
	protection    *protection.Service
	authEvents    *authevents.Service
	imports       *userimport.Service
	triggers      *triggers
	wire          *wire.Handler

	registrations *registration.Service
	limits        *ratelimit.Service
	rates         *rates.Rates
	seeds         *seed.Service
	templates     func(template.Options) *deploy.Service

	issuerBase func(region string) string
}

// The services under different names, so that directory can embed them.
type (
	poolOperations     = pool.Service
	brandOperations    = branding.Service
	providerOperations = providers.Service
	riskOperations     = risksettings.Service
	logOperations      = logs.Service
	eventOperations    = authevents.Service
	identityOperations = identities.Service
	limitOperations    = ratelimit.Service
	userOperations     = user.Service
	groupOperations    = groups.Service
	deviceOperations   = devices.Service
	passkeyOperations  = passkeys.Service
	factorOperations   = factors.Service
	signinOperations   = signin.Service
	refreshOperations  = refresh.Service
	tokenOperations    = token.Service
	importOperations   = userimport.Service

	registrationOperations = registration.Service
)

//go:generate go run cognate/test/compat -root ../..

// directory implements cognito-idp: each operation is a method of one service. If two
// services have an operation, or no service has it, directory does not compile.
type directory struct {
	*poolOperations
	*brandOperations
	*providerOperations
	*riskOperations
	*logOperations
	*eventOperations
	*userOperations
	*groupOperations
	*identityOperations
	*deviceOperations
	*passkeyOperations
	*factorOperations
	*registrationOperations
	*signinOperations
	*refreshOperations
	*tokenOperations
	*importOperations
	*limitOperations
	unimplemented
}

var _ idp.Service = directory{}

// gateQueue is how many callers may wait for heavy cryptography, for each place. A
// caller takes a millisecond or two, so people do not notice the wait.
const gateQueue = 256

// compose builds the services, each from earlier ones. ready holds signing keys for
// new pools; if it is nil, keys are made when they are needed. functions are those of earlier
// services, or nil.
func compose(ctx context.Context, c *Config, st *store.Store, ring *keys.Ring, ready *keys.SigningKeyPool, metrics *audit.Metrics, functions *triggers, log *slog.Logger) (*services, error) {
	places := runtime.GOMAXPROCS(0)
	v := &services{
		metrics: metrics, activity: activity.New(activity.Deps{Store: st, Now: c.Now}), gate: keys.NewGate(places, places*gateQueue),
		issuerBase: issuerBase(c.IssuerBase),
	}
	v.composeTrail(c, st, ring, log)
	var err error
	v.destinations, err = delivery.Open(ctx, c.auditAddresses(), c.sinkOptions(),
		delivery.Deps{Store: st, Log: log, Now: c.machineNow(), Owner: keys.NewUUID()}, v.trail, metrics)
	if err != nil {
		return nil, fmt.Errorf("audit-to: %w", err)
	}
	mail, sms, err := senders(ctx, c)
	if err != nil {
		return nil, err
	}
	if v.publisher, err = newPublisher(ctx, c, metrics, log); err != nil {
		return nil, err
	}
	if v.triggers = functions; functions == nil {
		if v.triggers, err = newTriggers(c, metrics, log); err != nil {
			return nil, err
		}
	}
	if err := v.composeRateLimits(ctx, c, st, ring); err != nil {
		return nil, err
	}
	pages := keys.NewPageTokens(func() [32]byte { return ring.Derive(keys.PurposePageToken) })
	v.pools = pool.New(pool.Deps{
		Store: st, Ring: ring, Pages: pages, Now: c.Now, AccountID: c.AccountID, Log: log,
		SenderKeys: v.triggers.keys, ChosenIDs: c.Mode == Dev,
	})
	if err := v.composeProviders(c, st, ring, log); err != nil {
		return nil, err
	}
	v.branding = branding.New(branding.Deps{Store: st, Pools: v.pools, BaseURL: publicURL(c)})
	v.risk = risksettings.New(risksettings.Deps{Store: st, Pools: v.pools})
	v.logs = logs.New(logs.Deps{
		Store: st, Pools: v.pools, Targets: c.logTargets(func(string, string, ...any) {}), Sinks: c.sinkOptions(), AccountID: c.AccountID,
		Owner: keys.NewUUID(), Now: c.machineNow(), Log: log, Keep: c.LogDeliveryKeep,
	})
	v.deliveries = v.logs.Deliveries(metrics)
	v.riskData = riskdata.Open(&c.RiskSettings, c.machineNow(), log)
	v.tokens = token.New(token.Deps{
		Store: st, Pools: v.pools, Ring: ring, Gate: v.gate, SigningKeys: ready, Now: c.Now, Log: log,
		Triggers:   v.triggers.Service,
		IssuerBase: func(sn *pool.Snapshot) string { return v.issuerBase(sn.Region) },
		DomainBase: domainBase(c),
	})
	v.pools.OnReuse(v.tokens.Forget)
	v.messages = message.New(message.Deps{
		Rest: message.AnswerTime, Metrics: metrics, Failed: v.logs.FailedMessage,
		Store: st, Ring: ring, Now: c.Now, Log: log, Mail: mail, SMS: sms, Inbox: c.Mode == Dev, Keep: c.KeepMessages,
		Functions: mailing.FunctionSender{Triggers: v.triggers.Service},
	})
	v.lockouts = risk.New(risk.Deps{Store: st, Now: c.Now})
	mails := mailing.New(mailing.Deps{Store: st, Messages: v.messages, Triggers: v.triggers.Service, DomainBase: domainBase(c), NewCode: c.newCode()})
	v.protection = protection.New(protection.Deps{
		Keep: c.KeepEvents, Patience: c.recordPatience(), Thresholds: c.Thresholds(), Learning: c.RiskLearning, Logs: v.logs,
		Store: st, Settings: v.risk, Ring: ring, Now: c.Now, Log: log, Mail: mails, DomainBase: domainBase(c),
		Places: v.riskData.Places, Hosting: v.riskData.Hosting, Tor: v.riskData.Tor, Reputation: v.riskData.Reputation,
		Rates: v.rates, Passwords: v.riskData.Passwords, Count: v.metrics.Risk,
	})
	v.users = user.New(user.Deps{
		Store: st, Pools: v.pools, Ring: ring, Gate: v.gate, Tokens: v.tokens, Mail: mails,
		Lockouts: v.lockouts, Pages: pages, Now: c.Now, Log: log, Triggers: v.triggers.Service, Admit: v.limits.AdmitUser,
		NewPasswords: newpassword.New(newpassword.Deps{Settings: v.risk, Passwords: v.riskData.Passwords, Count: v.metrics.Risk, Log: log}), Protection: v.protection,
		Deleted: func(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) error {
			_, _, err := identitypool.ForgetUser(ctx, tx, sn, userID)
			return err
		},
	})
	v.privacy = privacy.New(privacy.Deps{
		Store: st, Pools: v.pools, Users: v.users, Messages: v.messages, Lockouts: v.lockouts, Trail: v.trail, Now: c.Now,
	})
	v.registrations = registration.New(registration.Deps{Store: st, Ring: ring, Users: v.users, Mail: mails, Triggers: v.triggers.Service, Now: c.Now})
	v.groups = groups.New(groups.Deps{Store: st, Pools: v.pools, Users: v.users, Now: c.Now})
	v.identities = identities.New(identities.Deps{
		Store: st, Pools: v.pools, Users: v.users, Groups: v.groups, Providers: v.providers, Triggers: v.triggers.Service, Now: c.Now, Log: log,
	})
	v.scim = scim.New(scim.Deps{Store: st, Pools: v.pools, Providers: v.providers, Identities: v.identities, Groups: v.groups, Limits: v.limits, Trail: v.recorder, Now: c.Now})
	v.devices = devices.New(devices.Deps{Store: st, Pools: v.pools, Ring: ring, Users: v.users, Now: c.Now})
	v.passkeys = passkeys.New(passkeys.Deps{Store: st, Ring: ring, Users: v.users, LoginHost: edge.LoginHost(c.IssuerBase, c.Mode == Dev), Now: c.Now})
	v.factors = factors.New(factors.Deps{Store: st, Ring: ring, Users: v.users, Passkeys: v.passkeys, Now: c.Now, Machine: c.totpNow()})
	v.refreshes = refresh.New(refresh.Deps{Store: st, Pools: v.pools, Groups: v.groups, Tokens: v.tokens, Now: c.Now})
	v.authEvents = authevents.New(authevents.Deps{Pools: v.pools, Users: v.users, Protection: v.protection, Pages: pages, Now: c.Now, SignOut: c.FeedbackSignOut})
	v.signins = signin.New(signin.Deps{
		Store: st, Pools: v.pools, Users: v.users, Groups: v.groups, Devices: v.devices, Passkeys: v.passkeys, Factors: v.factors, Registrations: v.registrations, Mail: mails, Tokens: v.tokens, Refreshes: v.refreshes, Ring: ring, Gate: v.gate,
		Lockouts: v.lockouts, Now: c.Now, Machine: c.machineNow(), Log: log, Triggers: v.triggers.Service, Protection: v.protection,
	})
	v.oauth = oauth.New(oauth.Deps{
		Store: st, Pools: v.pools, Groups: v.groups, Refreshes: v.refreshes, Tokens: v.tokens, SignIns: v.signins, Passkeys: v.passkeys, Ring: ring,
		Providers: v.providers, Identities: v.identities, SiteURL: siteURL(c),
		PrefixOf: edge.PrefixOf(c.IssuerBase, c.Mode == Dev), Paths: c.Mode == Dev, Limits: v.limits, Trail: v.recorder, Now: c.Now, Log: log,
	})
	v.login = login.New(login.Deps{OAuth: v.oauth, SignIns: v.signins, Registrations: v.registrations, Branding: v.branding, Providers: v.providers, Passkeys: v.passkeys, AuthEvents: v.authEvents, Ring: ring, Now: c.Now, Log: log})
	v.imports = userimport.New(userimport.Deps{
		Store: st, Pools: v.pools, Users: v.users, Ring: ring, Pages: pages, Gate: v.gate, BaseURL: publicURL(c),
		MaxBytes: c.ImportMaxBytes, Keep: c.KeepImports, KeepOpen: keepOpen, Now: c.Now, Log: log,
	})
	v.iam = iam.New(iam.Deps{
		Store: st, Ring: ring, Now: c.Now, AccountID: c.AccountID, ResourceTags: v.resourceTags, IdentityExists: v.identityExists,
		Root: c.Mode == Dev,
	})
	v.account = account.New(account.Deps{
		Store: st, IAM: v.iam, Pages: pages, Now: c.Now, Rand: rand.Reader, AccountID: c.AccountID,
		CheckMetadata: func(text []byte) (time.Time, error) { return metadataEnd(text, c.Now()) },
	})
	v.credentials = credentials.New(credentials.Deps{
		IAM: v.iam, Pools: v.pools, Tokens: v.tokens, Calls: v.calls, IdentityIssuer: v.identityIssuer, Issuer: v.callerIssuer(c), AccountID: c.AccountID, Now: c.Now,
		AccessTokens: &oidc.AccessTokens{Client: v.calls, Name: "iam", Endpoints: v.socialEndpoints},
	})
	if err := v.composeIdentityPools(c, st, pages); err != nil {
		return nil, err
	}
	operations := directory{v.pools, v.branding, v.providers, v.risk, v.logs, v.authEvents, v.users, v.groups, v.identities, v.devices, v.passkeys, v.factors, v.registrations, v.signins, v.refreshes, v.tokens, v.imports, v.limits, unimplemented{}}
	if c.Mode == Dev {
		v.login.ExplainErrors(development.PageHint)
		v.seeds = seed.New(seed.Deps{
			UserPools: operations, Pools: v.pools, IdentityPools: v.identityPools, IAM: v.account, Store: st, AccountID: c.AccountID, Log: log,
			People: provision.New(provision.Deps{Store: st, Users: v.users, Groups: v.groups, Factors: v.factors, Now: c.Now}),
		})
		v.templates = func(o template.Options) *deploy.Service {
			return deploy.New(deploy.Deps{
				UserPools: operations, Pools: v.pools, IdentityPools: v.identityPools, IAM: v.account, Store: st, Ring: ring, AccountID: c.AccountID, Log: log,
				Functions: v.triggers.folder, Folder: filepath.Join(c.Data, "template"), Alone: c.Database == "",
				Issuer: func(pool string) string { return v.issuerBase(chosenid.RegionOf(pool)) + "/" + pool },
			}, o)
		}
	}
	v.wire = wire.New(wire.Config{
		Bindings: slices.Concat(
			v.bindUserPools(c, operations),
			identity.Bind(v.identityPools),
			sts.Bind(v.credentials),
			iamapi.Bind(v.account),
			cloudtrail.Bind(lookup.New(lookup.Deps{Trail: v.trail, Pages: pages, Now: c.machineNow()})),
		),
		Authority: v.authority(c), Limits: v.limits, AccountID: c.AccountID, MaxBody: c.MaxRequestBytes, Now: c.machineNow(),
		Trail: v.recorder, Log: log, Hint: hints(c),
	})
	v.gauges = gauges.New(st, c.Now, c.machineNow())
	v.gauges.Register(v.metrics)
	v.registerGauges(c, st)
	v.riskData.Register(v.metrics)
	v.metrics.Gauge("cognate_crypto_waiting", "Callers that wait for heavy cryptography.", func() float64 { return float64(v.gate.Waiting()) })
	return v, nil
}

// bindUserPools returns the operations of user pools. On a development server the name of an app
// client may choose its id.
func (v *services) bindUserPools(c *Config, d directory) []api.Binding {
	if c.Mode == Dev {
		return chosenid.Bindings(idp.Bind(d))
	}
	return idp.Bind(d)
}

// composeProviders builds what knows identity providers.
func (v *services) composeProviders(c *Config, st *store.Store, ring *keys.Ring, log *slog.Logger) (err error) {
	if v.calls, err = newProviderClient(c, v.metrics); err != nil {
		return err
	}
	if v.socialEndpoints, err = c.socialEndpoints(); err != nil {
		return err
	}
	v.providers = providers.New(providers.Deps{Store: st, Pools: v.pools, Ring: ring, Client: v.calls, Endpoints: v.socialEndpoints, Now: c.Now, Log: log})
	return nil
}

// issuerBase returns the part of an issuer before "/<pool id>".
func issuerBase(setting string) func(region string) string {
	if setting == edge.AWSIssuer {
		return token.AWSIssuerBase
	}
	return func(string) string { return setting }
}

// identityPath is where the public documents of the issuer of identity pools are.
const identityPath = "/cognito-identity"

// identityIssuer returns the issuer of the tokens of identity pools: Cognito's own, or a part of
// the operator's.
func (v *services) identityIssuer(region string) string {
	base := v.issuerBase(region)
	if base != token.AWSIssuerBase(region) {
		return strings.TrimSuffix(base, "/") + identityPath
	}
	return "https://" + iam.IdentityPools(region)
}

// callerPath is where the public documents of the issuer of tokens for users and roles are.
const callerPath = "/sts"

// callerIssuer returns the issuer of tokens for users and roles. With AWS's own issuers there is
// none: each account has another one at AWS.
func (v *services) callerIssuer(c *Config) string {
	if c.IssuerBase == edge.AWSIssuer {
		return ""
	}
	return strings.TrimSuffix(c.IssuerBase, "/") + callerPath
}

// originPolicy returns the policy of a development server about hosts and web
// pages. The issuer's origin is admitted: it may be a tunnel's address.
func originPolicy(c *Config) *edge.OriginPolicy {
	named := c.AllowOrigin
	if c.IssuerBase != "" && c.IssuerBase != edge.AWSIssuer {
		named = append(slices.Clip(named), c.IssuerBase)
	}
	return edge.NewOriginPolicy(named, slices.Concat(c.HTTPSName, c.HostName), c.Expose)
}

// authority returns the rule by which wire accepts signed operations.
func (v *services) authority(c *Config) wire.Authority {
	if c.Mode == Dev {
		return wire.Authority{Mode: wire.AcceptAny, IAM: v.iam, AllowUnsigned: c.AllowUnsigned, Screen: originPolicy(c).Screen}
	}
	return wire.Authority{Mode: wire.Verify, IAM: v.iam}
}

// resourceTags returns a pool's tags, for policies that ask for them. For a pool that
// does not exist it returns no tags: the operation answers that error. The operation
// also refuses a request that names the pool in another Region.
func (v *services) resourceTags(ctx context.Context, arn string) (map[string]string, error) {
	if _, id, ok := strings.Cut(arn, ":identitypool/"); ok {
		id, _, _ = strings.Cut(id, "/") // of an identity
		return v.identityPools.Tags(ctx, id)
	}
	_, id, ok := strings.Cut(arn, ":userpool/")
	if !ok {
		return nil, nil
	}
	sn, err := v.pools.Load(api.WithRequest(ctx, &api.Request{}), id) // in any Region
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sn.Config.UserPoolTags, nil
}

// close writes the counts that are only in memory, and sends the due messages.
func (v *services) close(ctx context.Context) error {
	return errors.Join(v.release(ctx), v.triggers.close())
}

// release closes the services, apart from the functions.
func (v *services) release(ctx context.Context) error {
	v.calls.Close()
	v.riskData.Close()
	errs := []error{v.flush(ctx), v.protection.Close(ctx), v.intake.Close(ctx), v.destinations.Close(ctx)}
	for _, d := range v.deliveries {
		errs = append(errs, d.Close(ctx))
	}
	return errors.Join(errs...)
}

// flush writes what is in memory.
func (v *services) flush(ctx context.Context) error {
	var published error
	if v.publisher != nil {
		published = v.publisher.Flush(ctx)
	}
	return errors.Join(published, v.lockouts.Flush(ctx), v.activity.Flush(ctx), v.messages.Flush(ctx))
}

const (
	sweepInterval = time.Minute
	sweepBatch    = 500
	flushInterval = 2 * time.Second
	stepInterval  = 10 * time.Minute
	certInterval  = time.Minute
	auditInterval = time.Minute
)

// startBackground starts the tasks beside the requests.
func (s *Server) startBackground() {
	b, v, now := s.background, s.services, s.config.Now
	b.Run("outbox", v.messages.Run)
	b.Run("imports", v.imports.Run)
	b.Run("gauges", v.gauges.Run)
	b.Run("monthly active users", gauges.ActiveUsers(v.metrics, s.store, now))
	b.Every("request rates", rates.Interval, v.limits.Refresh)
	b.Every("lock-outs", flushInterval, v.lockouts.Flush)
	b.Every("active users", flushInterval, v.activity.Flush)
	if v.publisher != nil {
		b.Every("metrics to CloudWatch", cloudwatch.Interval, v.publisher.Publish)
	}
	watch := datakeys.NewWatch(s.ring, s.config.machineNow(), s.log)
	b.Every("data keys", datakeys.Interval, watch.Refresh)
	b.Every("sweep", sweepInterval, func(ctx context.Context) error {
		for {
			n, err := s.store.Sweep(ctx, now(), sweepBatch)
			if err != nil || n < sweepBatch {
				return err
			}
		}
	})
	b.Every("audit trail", auditInterval, v.maintainTrail)
	for _, d := range v.destinations {
		b.Every("audit records to "+d.Name, deliveryInterval, d.Turn)
	}
	b.Every("records of user pools' logs", sweepInterval, v.logs.Maintain)
	for _, d := range v.deliveries {
		b.Every("logs of user pools to "+string(d.Kind), deliveryInterval, d.Turn)
	}
	b.Every("signing keys", stepInterval, v.tokens.Maintain)
	v.riskData.Report()
	b.Every("data of threat protection", riskdata.Interval, v.riskData.Refresh)
	if s.cert != nil {
		b.Every("certificate", certInterval, s.cert.Refresh)
	}
	if s.config.Template != "" {
		b.Every("template", contents.Interval, s.contents.Refresh(v.contents()))
	}
}
