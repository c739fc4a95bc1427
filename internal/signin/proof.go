package signin

import (
	"context"
	"time"

	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/signin/acr"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/internal/user/devices"
)

// A Proof is a finished sign-in: who signed in, and how.
type Proof struct {
	User *user.User
	// At is when the last factor was proven (OpenID Connect: auth_time).
	At      time.Time
	EventID string
	Methods acr.Methods // the factors that were passed, in their order

	// SteppedUp says that some of the factors were passed in an earlier sign-in.
	SteppedUp bool

	device *devices.Device
	source string // the triggerSource of the tokens
	call   *call
}

// OnCommit leaves a write to the transaction that ends the sign-in. It is for the
// completion of a page.
func (p *Proof) OnCommit(write func(tx *store.Tx) error) { p.call.onCommit(write) }

// A completion makes the answer to a finished sign-in.
type completion func(context.Context, *Service, *Proof) (*answer, error)

// finish ends a sign-in whose last factor is proven.
func (s *Service) finish(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if err := s.recheckCredit(ctx, o.state, o.user); err != nil {
		return nil, err
	}
	if err := s.postAuthentication(ctx, c, o); err != nil {
		return nil, err
	}
	if err := s.openEvent(ctx, c, o.state); err != nil {
		return nil, err
	}
	a, err := c.complete(ctx, s, &Proof{
		User: o.user, At: s.now(), EventID: o.state.EventID, Methods: o.state.Methods(), SteppedUp: o.state.Credit != nil,
		device: o.state.device, source: o.state.TokenSource(), call: c,
	})
	if err != nil {
		return nil, err
	}
	if err := c.event.Pass(ctx, o.state.SecondPassed(nil)); err != nil {
		return nil, err
	}
	s.noteUse(ctx, c, o)
	s.users.NoteAddress(ctx, c.pool, o.user, c.caller(ctx).Address, c.event.Join(c.onCommit))
	note(ctx, c.pool, c.client, o.user.ID())
	return a, nil
}

// issueTokens is the completion of a call of the API.
func issueTokens(ctx context.Context, s *Service, p *Proof) (*answer, error) {
	c := p.call
	subject, err := s.groups.Subject(ctx, p.User)
	if err != nil {
		return nil, err
	}
	device, metadata := s.deviceOfTokens(c, p)
	set, err := s.tokens.Issue(ctx, token.Grant{
		Pool: c.pool, Client: c.client, Subject: subject, AuthTime: p.At,
		EventID: p.EventID, DeviceKey: device, WithRefresh: true,
		ACR: c.pool.ACR(p.Methods.Level()), AMR: p.Methods.AMR(),
		Source: p.source, ClientMetadata: c.metadata, ClientContext: c.device.Context,
	})
	if err != nil {
		return nil, asFunctionError(err)
	}
	if set.HasSession() {
		c.onCommit(func(tx *store.Tx) error { return s.tokens.Track(ctx, tx, c.pool, set) })
	}
	out := set.Result()
	out.NewDeviceMetadata = metadata
	return &answer{result: out, params: map[string]string{}}, nil
}

// note puts into the request's log line who signs in, and by which app client.
func note(ctx context.Context, sn *pool.Snapshot, client *pool.Client, userID string) {
	e := audit.From(ctx)
	e.SetClient(sn.ID, client.ID)
	e.SetUser(userID)
}
