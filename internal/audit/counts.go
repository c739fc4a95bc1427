package audit

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cognate/internal/api"
)

// Values of the labels of pools and app clients, beside ids that exist.
const (
	// labelInvalid stands for pools and app clients that do not exist.
	labelInvalid = "Invalid"
	// labelAdmin stands for the app client of administrators' requests.
	labelAdmin = "Admin"
	// labelOther stands for what exceeds the limit of series.
	labelOther = "other"
)

// maxOwners is how many combinations of pool, app client and identity provider have series
// of their own. Each has up to ten series.
const maxOwners = 5000

// An owner is whose requests a series counts.
type owner struct{ pool, client, provider string }

// owners admits combinations up to a limit.
type owners struct {
	mu    sync.RWMutex
	seen  map[owner]bool
	limit int
}

// admit returns o, or "other" in its place if the limit is reached.
func (l *owners) admit(o owner) owner {
	l.mu.RLock()
	seen := l.seen[o]
	l.mu.RUnlock()
	if seen {
		return o
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.seen[o] && len(l.seen) >= l.limit {
		rest := owner{labelOther, labelOther, ""}
		if o.provider != "" {
			rest.provider = labelOther
		}
		return rest
	}
	l.seen[o] = true
	return o
}

// counts are the counters of what people and app clients do. All of their names are here.
// The labels pool, client and provider are bounded by owners. All other labels come from
// fixed lists.
type counts struct {
	owners owners

	attempts   map[AttemptKind]*prometheus.CounterVec
	challenges *prometheus.CounterVec
	responses  *prometheus.CounterVec
	messages   *prometheus.CounterVec
	triggers   *prometheus.HistogramVec
	database   *prometheus.HistogramVec
	calls      *prometheus.CounterVec
	throttles  *prometheus.CounterVec
	risks      *prometheus.CounterVec
	active     *prometheus.GaugeVec
}

func newCounts(r *prometheus.Registry) *counts {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	c := &counts{
		owners: owners{seen: map[owner]bool{}, limit: maxOwners},
		attempts: map[AttemptKind]*prometheus.CounterVec{
			SignUp:       counter("cognate_sign_ups_total", "Registrations, by pool, app client and result.", "pool", "client", "result"),
			SignIn:       counter("cognate_sign_ins_total", "Sign-ins at the pool's own directory that ended, by pool, app client and result.", "pool", "client", "result"),
			TokenRefresh: counter("cognate_token_refreshes_total", "Exchanges of refresh tokens, by pool, app client and result.", "pool", "client", "result"),
			Federation:   counter("cognate_federation_sign_ins_total", "Sign-ins at identity providers, by pool, app client, provider and result.", "pool", "client", "provider", "result"),
			MachineToken: counter("cognate_machine_tokens_total", "Token requests of app clients for themselves, by pool, app client and result.", "pool", "client", "result"),
		},
		challenges: counter("cognate_challenges_total", "Challenges of sign-ins that were sent to clients.", "challenge"),
		responses:  counter("cognate_challenge_responses_total", "Responses to challenges of sign-ins, by result.", "challenge", "result"),
		messages:   counter("cognate_messages_total", "Attempts to send mail and SMS: sent, failed for good, or to be tried again.", "lane", "result"),
		triggers: histogram("cognate_trigger_call_duration_seconds", "Time of calls of Lambda triggers, by trigger and result.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, "trigger", "result"),
		database: histogram("cognate_database_duration_seconds", "Time of reads, snapshots and transactions of the database, with the waits for a connection, by result.",
			[]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, "kind", "result"),
		calls:     counter("cognate_category_calls_total", "Requests by the category of Cognito's request rate quotas.", "category"),
		throttles: counter("cognate_throttles_total", "Requests that exceeded a request rate, by category.", "category"),
		risks:     counter("cognate_risks_total", "Results of threat protection, by operation, risk level and result.", "operation", "level", "result"),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cognate_monthly_active_users", Help: "Users who were active in this month (UTC), by pool. All servers show the same number. kind: all, or federated (SAML and OpenID Connect).",
		}, []string{"pool", "kind"}),
	}
	r.MustRegister(c.active)
	return c
}

const (
	resultSuccess = "success"
	resultFailure = "failure"
)

func resultOf(succeeded bool) string {
	if succeeded {
		return resultSuccess
	}
	return resultFailure
}

// ownerOf returns whose request it was. An id that was not found in the store never
// becomes a label.
func ownerOf(r *api.Request, f *Facts, a *Attempt) owner {
	o := owner{labelInvalid, labelInvalid, a.Provider}
	if f.PoolExists {
		o.pool = f.Pool
		o.client = cmp.Or(f.AppClient, labelInvalid)
	}
	if strings.HasPrefix(r.Operation, "Admin") {
		o.client = labelAdmin
	}
	return o
}

// Observe counts what a finished request was about.
func (m *Metrics) Observe(r *api.Request, f *Facts) {
	if f.Challenge != "" {
		m.counts.challenges.WithLabelValues(f.Challenge).Inc()
	}
	if f.Response != "" {
		m.counts.responses.WithLabelValues(f.Response, resultOf(f.ResponseRight)).Inc()
	}
	if r.Operation != "" && r.Service != cognitoIDP {
		return
	}
	for _, a := range f.ended(r.Operation) {
		m.attempt(a.Kind, a.result == attemptSucceeded, m.counts.owners.admit(ownerOf(r, f, &a)))
	}
}

func (m *Metrics) attempt(kind AttemptKind, succeeded bool, o owner) {
	labels := []string{o.pool, o.client, resultOf(succeeded)}
	if kind == Federation {
		labels = []string{o.pool, o.client, o.provider, resultOf(succeeded)}
	}
	m.counts.attempts[kind].WithLabelValues(labels...).Inc()
	if names, ok := cloudWatchNames[kind]; ok {
		m.minutes.add(NamespaceCognito, names.successes, oneOrZero(succeeded), o.dimensions())
	}
}

func oneOrZero(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// dimensions returns the owner as Cognito's metrics name it.
func (o owner) dimensions() Dimensions {
	return Dimensions{{"UserPool", o.pool}, {"UserPoolClient", o.client}, {"IdentityProvider", o.provider}}
}

// cloudWatchNames are the names of Cognito's metrics (Cognito: user pool metrics).
// A MachineToken has no such metric.
var cloudWatchNames = map[AttemptKind]struct{ successes, throttles string }{
	SignUp:       {"SignUpSuccesses", "SignUpThrottles"},
	SignIn:       {"SignInSuccesses", "SignInThrottles"},
	TokenRefresh: {"TokenRefreshSuccesses", "TokenRefreshThrottles"},
	Federation:   {"FederationSuccesses", "FederationThrottles"},
}

// Called counts a request of a category of request rate quotas. The category comes from a
// fixed list.
func (m *Metrics) Called(category string) {
	m.counts.calls.WithLabelValues(category).Inc()
	m.minutes.add(NamespaceUsage, "CallCount", 1, usageDimensions(category))
}

// A Throttle is a request that exceeded a request rate.
type Throttle struct {
	// Category comes from a fixed list.
	Category string
	// Kind is what the request was an attempt of. Refusals of an attempt count it as one
	// that failed, too: see Event.Begin.
	Kind AttemptKind
	// Pool and Client are ids that exist, or "". Admin is true for administrators' requests.
	// Provider is the identity provider of a Federation.
	Pool, Client, Provider string
	Admin                  bool
}

// Throttled counts a request that exceeded a request rate.
func (m *Metrics) Throttled(t Throttle) {
	m.counts.throttles.WithLabelValues(t.Category).Inc()
	m.minutes.add(NamespaceUsage, "ThrottleCount", 1, usageDimensions(t.Category))
	names, ok := cloudWatchNames[t.Kind]
	if !ok {
		return
	}
	o := owner{cmp.Or(t.Pool, labelInvalid), cmp.Or(t.Client, labelInvalid), t.Provider}
	if t.Admin {
		o.client = labelAdmin
	}
	m.minutes.add(NamespaceCognito, names.throttles, 1, m.counts.owners.admit(o).dimensions())
}

func usageDimensions(category string) Dimensions {
	return Dimensions{{"Service", "Cognito"}, {"Type", "API"}, {"Resource", category}, {"Class", "None"}}
}

// The metrics of threat protection (Cognito: threat protection metrics).
const (
	CompromisedCredentialRisk = "CompromisedCredentialRisk"
	AccountTakeoverRisk       = "AccountTakeOverRisk"
	OverrideBlock             = "OverrideBlock"
	AnyRisk                   = "Risk"
	NoRisk                    = "NoRisk"
)

// Risk counts a result of threat protection. metric is one of the names above. operation is
// PasswordChange, SignIn or SignUp. level is high, medium or low; "" with AnyRisk and NoRisk.
// poolID is the id of a pool that exists.
func (m *Metrics) Risk(metric, operation, level, poolID string) {
	m.counts.risks.WithLabelValues(operation, level, metric).Inc()
	o := m.counts.owners.admit(owner{pool: poolID})
	m.minutes.add(NamespaceCognito, metric, 1, Dimensions{{"Operation", operation}, {"UserPoolId", o.pool}, {"RiskLevel", level}})
}

// MessageResult is how an attempt to send a message ended.
type MessageResult string

// The results of attempts to send a message.
const (
	MessageSent    MessageResult = "sent"
	MessageFailed  MessageResult = "failed"
	MessageRetried MessageResult = "retry"
)

// Message counts an attempt to send a message of a lane of the outbox.
func (m *Metrics) Message(lane string, r MessageResult) {
	if m == nil {
		return
	}
	m.counts.messages.WithLabelValues(LaneLabel(lane), string(r)).Inc()
}

// LaneLabel returns the label of a lane of the outbox.
func LaneLabel(lane string) string { return strings.ReplaceAll(strings.ToLower(lane), " ", "_") }

// TriggerCall notes a call of a trigger. The trigger comes from a fixed list.
func (m *Metrics) TriggerCall(trigger string, succeeded bool, took time.Duration) {
	if m == nil {
		return
	}
	m.counts.triggers.WithLabelValues(trigger, resultOf(succeeded)).Observe(took.Seconds())
}

// Database notes a use of the database. Both labels come from fixed lists.
func (m *Metrics) Database(kind, result string, took time.Duration) {
	m.counts.database.WithLabelValues(kind, result).Observe(took.Seconds())
}

// ActiveUsers are the active users of a pool in a month.
type ActiveUsers struct {
	Pool           string
	All, Federated int64
}

// maxActivePools is how many pools have series of their own with their active users.
const maxActivePools = 1000

// SetActiveUsers replaces the numbers of active users. The pools beyond the first
// maxActivePools are one series, "other".
func (m *Metrics) SetActiveUsers(list []ActiveUsers) {
	m.counts.active.Reset()
	rest := ActiveUsers{Pool: labelOther}
	for i, a := range list {
		if i >= maxActivePools {
			rest.All += a.All
			rest.Federated += a.Federated
			continue
		}
		m.setActive(a)
	}
	if rest.All > 0 {
		m.setActive(rest)
	}
}

func (m *Metrics) setActive(a ActiveUsers) {
	m.counts.active.WithLabelValues(a.Pool, "all").Set(float64(a.All))
	m.counts.active.WithLabelValues(a.Pool, "federated").Set(float64(a.Federated))
}
