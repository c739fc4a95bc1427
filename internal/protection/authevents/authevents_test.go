package authevents

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
	"cognate/internal/protection"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/people"
)

// rig is the service, and a pool with threat protection and two users.
type rig struct {
	*Service
	*people.Rig
	pool   *pool.Snapshot
	client *pool.Client
	alice  *user.User
	bob    *user.User
}

func engines(t *testing.T, signOut bool, test func(t *testing.T, r *rig)) {
	people.Engines(t, func(t *testing.T, p *people.Rig) {
		r := &rig{Rig: p}
		engine := protection.New(protection.Deps{
			Store: p.Store, Settings: risksettings.New(risksettings.Deps{Store: p.Store, Pools: p.Pools}), Ring: p.Ring, Now: p.Now,
		})
		r.Service = New(Deps{Pools: p.Pools, Users: p.Users, Protection: engine, Pages: p.PageTokens, Now: p.Now, SignOut: signOut})
		r.pool = p.Pool(t, func(in *idp.CreateUserPoolRequest) {
			in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeAudit}
		})
		r.client = p.Client(t, r.pool)
		r.alice, r.bob = p.User(t, r.pool, "alice"), p.User(t, r.pool, "bob")
		test(t, r)
	})
}

// signIn records a sign-in of a user and returns its event.
func (r *rig) signIn(t *testing.T, u *user.User, address string) string {
	t.Helper()
	r.Clock.Pass(time.Minute)
	id := keys.NewTimeUUID(r.Now())
	e, err := r.Service.deps.Protection.Evaluate(t.Context(), &protection.SignIn{
		Pool: r.pool, Client: r.client, EventID: id, UserID: u.ID(), Names: []string{u.Username()},
		Source: protection.Source{Address: address, UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"},
	})
	if err == nil {
		err = e.Pass(t.Context(), false)
	}
	if err == nil {
		err = r.Store.Update(t.Context(), func(tx *store.Tx) error { return e.Write(t.Context(), tx) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func wantError(t *testing.T, op string, err error, want string) {
	t.Helper()
	got := ""
	if e, ok := errors.AsType[*api.Error](err); ok {
		got = e.Code + ": " + e.Message
		if !idp.Operations[op].Declares(e.Code) {
			t.Errorf("%s does not declare %s", op, e.Code)
		}
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", op, got, want)
	}
}

const (
	sayOff      = "UserPoolAddOnNotEnabledException: Threat protection is not enabled for the user pool"
	sayBadToken = "NotAuthorizedException: Invalid feedback token."
	sayNoEvent  = "ResourceNotFoundException: The authentication event does not exist."
	sayNobody   = "UserNotFoundException: User does not exist."
)

// TestEvents lists events by pages, the newest first, and those of one user only.
func TestEvents(t *testing.T) {
	t.Parallel()
	engines(t, false, func(t *testing.T, r *rig) {
		var want []string
		for i := range 5 {
			want = append([]string{r.signIn(t, r.alice, fmt.Sprintf("192.0.2.%d", i))}, want...)
		}
		other := r.signIn(t, r.bob, "198.51.100.1")
		list := func(in *idp.AdminListUserAuthEventsRequest) *idp.AdminListUserAuthEventsResponse {
			t.Helper()
			in.UserPoolId = r.pool.ID
			out, err := r.AdminListUserAuthEvents(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		var got []string
		in := &idp.AdminListUserAuthEventsRequest{Username: "alice", MaxResults: new(int32(2))}
		for pages := 1; ; pages++ {
			out := list(in)
			for _, e := range out.AuthEvents {
				got = append(got, *e.EventId)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				if pages != 3 {
					t.Errorf("%d pages", pages)
				}
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("listed %v, want %v", got, want)
		}
		first := list(&idp.AdminListUserAuthEventsRequest{Username: "alice", MaxResults: new(int32(1))})
		for _, token := range []string{"x", *first.NextToken} {
			_, err := r.AdminListUserAuthEvents(t.Context(), &idp.AdminListUserAuthEventsRequest{UserPoolId: r.pool.ID, Username: "bob", NextToken: &token})
			wantError(t, listOp, err, "InvalidParameterException: Invalid pagination token provided")
		}
		out := list(&idp.AdminListUserAuthEventsRequest{Username: r.bob.ID()}).AuthEvents
		if len(out) != 1 || *out[0].EventId != other {
			t.Fatalf("of the other user: %+v", out)
		}
		e := out[0]
		if e.EventType != "SignIn" || e.EventResponse != "Pass" || e.EventRisk.RiskDecision != "NoRisk" || !e.CreationDate.Equal(r.Now().Truncate(time.Millisecond)) ||
			*e.EventContextData.IpAddress != "198.51.100.1" || *e.EventContextData.DeviceName != "Firefox 127, Linux" || e.EventContextData.City != nil || e.EventFeedback != nil {
			t.Errorf("%+v %+v", e, *e.EventContextData)
		}
		_, err := r.AdminListUserAuthEvents(t.Context(), &idp.AdminListUserAuthEventsRequest{UserPoolId: r.pool.ID, Username: "nobody"})
		wantError(t, listOp, err, sayNobody)
		off := r.Pool(t, nil)
		_, err = r.AdminListUserAuthEvents(t.Context(), &idp.AdminListUserAuthEventsRequest{UserPoolId: off.ID, Username: "alice"})
		wantError(t, listOp, err, sayOff)
	})
}

// TestFeedback: the last word counts, a token is for one event and thirty days, and nobody learns from it who exists.
func TestFeedback(t *testing.T) {
	t.Parallel()
	engines(t, false, func(t *testing.T, r *rig) {
		id, other := r.signIn(t, r.alice, "192.0.2.1"), r.signIn(t, r.alice, "192.0.2.2")
		of := func() *idp.EventFeedbackType {
			t.Helper()
			out, err := r.AdminListUserAuthEvents(t.Context(), &idp.AdminListUserAuthEventsRequest{UserPoolId: r.pool.ID, Username: "alice"})
			if err != nil {
				t.Fatal(err)
			}
			return out.AuthEvents[1].EventFeedback
		}
		admin := func(name, event string) error {
			_, err := r.AdminUpdateAuthEventFeedback(t.Context(), &idp.AdminUpdateAuthEventFeedbackRequest{UserPoolId: r.pool.ID, Username: name, EventId: event, FeedbackValue: "Valid"})
			return err
		}
		wantError(t, "AdminUpdateAuthEventFeedback", admin("alice", id), "")
		if f := of(); f.FeedbackValue != "Valid" || f.Provider != "Admin" || !f.FeedbackDate.Equal(r.Now().Truncate(time.Millisecond)) {
			t.Errorf("%+v", f)
		}
		wantError(t, "AdminUpdateAuthEventFeedback", admin("alice", "x"), sayNoEvent)
		wantError(t, "AdminUpdateAuthEventFeedback", admin("bob", id), sayNoEvent)
		wantError(t, "AdminUpdateAuthEventFeedback", admin("nobody", id), sayNobody)

		token, err := r.Service.deps.Protection.NewFeedbackToken(r.pool.ID, r.alice.ID(), id)
		if err != nil {
			t.Fatal(err)
		}
		give := func(poolID, name, event, token string) error {
			_, err := r.UpdateAuthEventFeedback(t.Context(), &idp.UpdateAuthEventFeedbackRequest{UserPoolId: poolID, Username: name, EventId: event, FeedbackToken: token, FeedbackValue: "Invalid"})
			return err
		}
		for range 2 {
			wantError(t, "UpdateAuthEventFeedback", give(r.pool.ID, "alice", id, token), "")
		}
		if f := of(); f.FeedbackValue != "Invalid" || f.Provider != "User" {
			t.Errorf("%+v", f)
		}
		second := r.Pool(t, func(in *idp.CreateUserPoolRequest) {
			in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeAudit}
		})
		off := r.Pool(t, nil)
		for _, tt := range []struct{ name, pool, user, event, token, want string }{
			{"no token", r.pool.ID, "alice", id, "x", sayBadToken},
			{"another event", r.pool.ID, "alice", other, token, sayBadToken},
			{"another user", r.pool.ID, "bob", id, token, sayBadToken},
			{"nobody", r.pool.ID, "nobody", id, token, sayBadToken},
			{"another pool", second.ID, "alice", id, token, sayBadToken},
			{"a pool without threat protection", off.ID, "alice", id, token, sayOff},
		} {
			t.Run(tt.name, func(t *testing.T) {
				wantError(t, "UpdateAuthEventFeedback", give(tt.pool, tt.user, tt.event, tt.token), tt.want)
			})
		}
		r.Clock.Pass(keys.FeedbackLife)
		wantError(t, "UpdateAuthEventFeedback", give(r.pool.ID, "alice", id, token), sayBadToken)
		if !r.Read(t, r.pool, r.alice.ID()).Rec.TokensValidAfter.IsZero() {
			t.Error("feedback signed the user out, which no setting asks for")
		}
	})
}

// TestInvalidFeedback: a later sign-in from the same place is risky, and the user can be signed out.
func TestInvalidFeedback(t *testing.T) {
	t.Parallel()
	engines(t, true, func(t *testing.T, r *rig) {
		id := r.signIn(t, r.alice, "192.0.2.1")
		_, err := r.AdminUpdateAuthEventFeedback(t.Context(), &idp.AdminUpdateAuthEventFeedbackRequest{UserPoolId: r.pool.ID, Username: "alice", EventId: id, FeedbackValue: "Invalid"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Read(t, r.pool, r.alice.ID()).Rec.TokensValidAfter.IsZero() {
			t.Error("the user was not signed out")
		}
		for _, tt := range []struct{ address, want string }{{"192.0.2.1", "Medium"}, {"198.51.100.7", ""}} {
			r.signIn(t, r.alice, tt.address)
			out, err := r.AdminListUserAuthEvents(t.Context(), &idp.AdminListUserAuthEventsRequest{UserPoolId: r.pool.ID, Username: "alice"})
			if err != nil || string(out.AuthEvents[0].EventRisk.RiskLevel) != tt.want {
				t.Errorf("from %s: %+v, %v", tt.address, out.AuthEvents[0].EventRisk, err)
			}
		}
	})
}

// TestLinkOnce: of many requests that follow a link at once, one is heard. Looking at the link does not use it.
func TestLinkOnce(t *testing.T) {
	t.Parallel()
	engines(t, false, func(t *testing.T, r *rig) {
		id := r.signIn(t, r.alice, "192.0.2.1")
		token, err := r.Service.deps.Protection.NewFeedbackToken(r.pool.ID, r.alice.ID(), id)
		if err != nil {
			t.Fatal(err)
		}
		link := protection.FeedbackLink{PoolID: r.pool.ID, Username: "alice", EventID: id, Token: token, Value: "Valid"}
		for range 2 {
			if in, err := r.Linked(t.Context(), r.pool, link); err != nil || in.Answered || in.UserID != r.alice.ID() || in.Device != "Firefox 127, Linux" {
				t.Fatalf("%+v, %v", in, err)
			}
		}
		const used = "NotAuthorizedException: The link was used before."
		errs := make(chan error)
		for range 8 {
			go func() {
				_, err := r.Follow(t.Context(), r.pool, link)
				errs <- err
			}()
		}
		heard := 0
		for range 8 {
			if err := <-errs; err == nil {
				heard++
			} else {
				wantError(t, "UpdateAuthEventFeedback", err, used)
			}
		}
		if heard != 1 {
			t.Errorf("the link was followed %d times", heard)
		}
		if in, err := r.Linked(t.Context(), r.pool, link); err != nil || !in.Answered {
			t.Errorf("the link after an answer: %+v, %v", in, err)
		}
		// What an administrator says does not use up the user's link.
		_, err = r.AdminUpdateAuthEventFeedback(t.Context(), &idp.AdminUpdateAuthEventFeedbackRequest{UserPoolId: r.pool.ID, Username: "alice", EventId: id, FeedbackValue: "Invalid"})
		wantError(t, "AdminUpdateAuthEventFeedback", err, "")
		_, err = r.Follow(t.Context(), r.pool, link)
		wantError(t, "UpdateAuthEventFeedback", err, "")
	})
}
