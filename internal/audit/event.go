// Package audit records requests: one wide event for each, which is filled on the
// way and logged once, and the counters that a monitoring system reads.
//
// An event never holds a secret: no password, code, token, session or secret hash. Of
// a person it holds only the user's id, no name and no address. The package writes
// nothing to the store and changes no outcome.
package audit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cognate/internal/api"
	"cognate/internal/outbound"
)

// NoUser replaces, in a log line, the id of a user who does not exist.
const NoUser = "none"

// CodeClientGone stands in the log line and in the metrics for a request whose
// client went away before its answer: that is no fault of the server.
const CodeClientGone = "ClientClosedRequest"

// ClientLeft reports whether the client of a request has gone: net/http cancels
// the context then. A request that takes too long ends by its deadline instead.
func ClientLeft(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// Facts are what became known of a request while it was served. The request itself is
// described by an [api.Request]. An unknown fact is the zero value.
type Facts struct {
	// Pool and AppClient are ids. PoolExists says that the pool was found in the store;
	// without it, the id is only what the request names.
	Pool, AppClient string
	PoolExists      bool
	// User is the sub of the user who signs in, or who bears the token. It is NoUser
	// where the request names a user who does not exist.
	User string
	// Target is the sub of the user that an administrator's operation names, or NoUser.
	Target string
	// Reason says why the request is refused, or why the answer cannot lead to a
	// sign-in.
	Reason api.Reason
	// Answered is true if an operation was answered or refused. Then an empty Code
	// means success.
	Answered bool
	// Code is the exception in the answer to the client, or CodeClientGone.
	Code string
	// ClaimedKey is the access key id of a refused signature. It is not proven to be
	// the sender's.
	ClaimedKey string
	// Cause is the text of the error behind a fault. Clients do not see it.
	Cause string
	// Hint says what to do about a refusal by a development server.
	Hint string
	// Bucket is the bucket of a request to the gateway, and Denied is the action that
	// policies denied there, with its resource.
	Bucket, Denied string
	// ImportJob is the id of the import job whose file is uploaded.
	ImportJob string
	// Migrated is the sub of the user that the request migrated. Welcome says why the
	// user's invitation was not sent.
	Migrated, Welcome string
	// Attempts say whether the request is a sign-up, a sign-in or another attempt that is
	// counted.
	Attempts []Attempt
	// Active says that the request, if it succeeds, makes its user an active user of the
	// month. Federated says that the user signed in at a SAML or OpenID Connect provider.
	Active, Federated bool
	// Challenge is the challenge of the answer. Response is the challenge that the request
	// responds to, and ResponseRight says whether the response was right.
	Challenge, Response string
	ResponseRight       bool
	// AuthEvent is the id of the event of threat protection for the sign-in, and Risk is its score with the points of each
	// signal. Risk is "" without risk.
	AuthEvent, Risk string
	// Triggers are the runs of the pool's functions, in the order of the first.
	Triggers []TriggerRun
}

// TriggerRun is the last run of a function for one source of events.
type TriggerRun struct {
	Source string
	Took   time.Duration
	// Failure is the text of the error if the function could not be run.
	Failure string
}

// Event gathers the facts of one request. Its methods may be called from several
// goroutines.
type Event struct {
	request *api.Request
	mu      sync.Mutex
	facts   Facts
}

type eventKey struct{}

// With returns a context that carries a new event for the request of ctx.
func With(ctx context.Context) (context.Context, *Event) {
	e := &Event{request: api.RequestFrom(ctx)}
	return context.WithValue(ctx, eventKey{}, e), e
}

// From returns the event that ctx carries. It is never nil: without an event in ctx,
// it returns an event that is discarded.
func From(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return &Event{request: &api.Request{}}
}

// SetPool notes the user pool that the request names.
func (e *Event) SetPool(id string) { e.note(&e.facts.Pool, id) }

// SetClient notes the app client and its pool, which were found in the store.
func (e *Event) SetClient(poolID, clientID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Pool, e.facts.AppClient, e.facts.PoolExists = poolID, clientID, true
}

// SetUser notes the user who signs in, or who bears the token; NoUser where the
// request names a user who does not exist.
func (e *Event) SetUser(sub string) { e.note(&e.facts.User, sub) }

// SetTarget notes the user that an administrator acts on, or NoUser.
func (e *Event) SetTarget(sub string) { e.note(&e.facts.Target, sub) }

// SetReason notes why the request is refused, or why the answer cannot lead to a
// sign-in.
func (e *Event) SetReason(r api.Reason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Reason = r
}

// SetAnswer notes the code of an operation's answer, "" for success.
func (e *Event) SetAnswer(code string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Answered, e.facts.Code = true, code
}

// SetCode notes the code of an answer that no operation made.
func (e *Event) SetCode(code string) { e.note(&e.facts.Code, code) }

// SetClaimedKey notes the access key id of a refused signature.
func (e *Event) SetClaimedKey(id string) { e.note(&e.facts.ClaimedKey, id) }

// SetCause notes the error behind a fault, without the secrets of addresses.
func (e *Event) SetCause(err error) { e.note(&e.facts.Cause, outbound.Clean(err).Error()) }

// SetHint notes what to do about the refusal.
func (e *Event) SetHint(text string) { e.note(&e.facts.Hint, text) }

// SetImportJob notes the import job whose file is uploaded.
func (e *Event) SetImportJob(id string) { e.note(&e.facts.ImportJob, id) }

// SetBucket notes the bucket that a request to the gateway names.
func (e *Event) SetBucket(name string) { e.note(&e.facts.Bucket, name) }

// SetDenied notes the action that policies denied, and its resource.
func (e *Event) SetDenied(action string) { e.note(&e.facts.Denied, action) }

// SetMigrated notes the user that the request migrated.
func (e *Event) SetMigrated(sub string) { e.note(&e.facts.Migrated, sub) }

// SetWelcome notes why a migrated user's invitation was not sent.
func (e *Event) SetWelcome(problem string) { e.note(&e.facts.Welcome, problem) }

// SetRisk notes how threat protection has rated the sign-in.
func (e *Event) SetRisk(eventID, risk string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.AuthEvent, e.facts.Risk = eventID, risk
}

// TriggerRan notes how long a function took.
func (e *Event) TriggerRan(source string, took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.run(source).Took = took
}

// TriggerFailed notes why a function could not be run.
func (e *Event) TriggerFailed(source string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.run(source).Failure = err.Error()
}

// run returns the entry of a source. The caller holds the lock.
func (e *Event) run(source string) *TriggerRun {
	runs := e.facts.Triggers
	i := slices.IndexFunc(runs, func(r TriggerRun) bool { return r.Source == source })
	if i < 0 {
		i = len(runs)
		e.facts.Triggers = append(runs, TriggerRun{Source: source})
	}
	return &e.facts.Triggers[i]
}

func (e *Event) note(field *string, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*field = value
}

// Facts returns what is known so far.
func (e *Event) Facts() Facts {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.facts
	f.Triggers = slices.Clone(f.Triggers)
	f.Attempts = slices.Clone(f.Attempts)
	return f
}

// Attrs returns the part of the request's log line that says what the request
// was about and how it ended.
func (e *Event) Attrs() []slog.Attr {
	f, r := e.Facts(), e.request
	attrs := make([]slog.Attr, 0, 16)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("pool", f.Pool)
	add("appClient", f.AppClient)
	add("user", f.User)
	add("target", f.Target)
	add("reason", string(f.Reason))
	if f.Answered { // The code of success is in the line, too.
		attrs = append(attrs, slog.String("operation", r.Operation), slog.String("code", f.Code))
	} else {
		add("code", f.Code)
	}
	add("region", r.Region)
	add("accessKey", r.AccessKeyID)
	add("principal", r.PrincipalARN)
	add("claimedAccessKey", f.ClaimedKey)
	add("bucket", f.Bucket)
	add("denied", f.Denied)
	add("cause", f.Cause)
	add("hint", f.Hint)
	add("job", f.ImportJob)
	add("migrated", f.Migrated)
	add("welcome", f.Welcome)
	add("authEvent", f.AuthEvent)
	add("risk", f.Risk)
	for _, t := range f.Triggers {
		attrs = append(attrs, slog.String("trigger."+t.Source, t.Took.String()))
		add("trigger."+t.Source+".error", t.Failure)
	}
	return attrs
}
