package registration

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/user"
	"cognate/test/people"
)

type users = user.Service

// rig is the service with the real ones that it works with.
type rig struct {
	*people.Rig
	*users
	*Service
}

func newRig(p *people.Rig) *rig {
	return &rig{Rig: p, users: p.Users, Service: New(Deps{Store: p.Store, Ring: p.Ring, Users: p.Users, Mail: p.Mail, Triggers: p.Triggers, Now: p.Now})}
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	people.Engines(t, func(t *testing.T, p *people.Rig) { test(t, newRig(p)) })
}

// anotherNode returns the service of a second server on the same store.
func (r *rig) anotherNode() *Service {
	return newRig(r.WithMail(r.Mail)).Service
}

// sendBy lets another service send the rig's messages.
func (r *rig) sendBy(m *message.Service) {
	n := newRig(r.WithMail(mailing.New(mailing.Deps{Store: r.Store, Messages: m, Triggers: r.Triggers})))
	n.Messages = m
	*r = *n
}

// poolWith makes a user pool that verifies email addresses and phone numbers.
func (r *rig) poolWith(t testing.TB, change func(in *idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	return r.Pool(t, people.VerifiesAddresses, change)
}

// clientWith makes an app client and returns its id.
func (r *rig) clientWith(t testing.TB, sn *pool.Snapshot, change func(in *idp.CreateUserPoolClientRequest)) string {
	t.Helper()
	return r.Client(t, sn, change).ID
}

func triggers(c idp.LambdaConfigType) func(*idp.CreateUserPoolRequest) {
	return func(in *idp.CreateUserPoolRequest) { in.LambdaConfig = &c }
}

func (r *rig) loadClient(t testing.TB, sn *pool.Snapshot, id string) *pool.Client {
	t.Helper()
	c, err := sn.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mail lists the messages of a pool, the newest first.
func (r *rig) mail(t testing.TB, sn *pool.Snapshot) []message.Message {
	t.Helper()
	return r.Inbox(t, message.Query{PoolID: sn.ID})
}

// lastCode returns the newest code that was sent in the pool.
func (r *rig) lastCode(t testing.TB, sn *pool.Snapshot) string {
	t.Helper()
	return r.Code(t, message.Query{PoolID: sn.ID})
}

const (
	sayMismatch = "CodeMismatchException: Invalid verification code provided, please try again."
	sayExpired  = "ExpiredCodeException: Invalid code provided, please request a code again."
	sayLimit    = "LimitExceededException: Attempt limit exceeded, please try after some time."
)
