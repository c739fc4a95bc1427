package trail

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
)

// TestPoolAndRegion wants a new pool to be found by its id, and a sign-in to have the Region of its
// pool.
func TestPoolAndRegion(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		ctx, _ := audit.With(api.WithRequest(context.Background(), &api.Request{Time: r.clock.Now(), Region: "us-east-1"}))
		err := n.RecordCall(ctx, &Call{
			Operation: idp.Operations["CreateUserPool"], Caller: Caller{Type: CallerRoot},
			Input: &idp.CreateUserPoolRequest{PoolName: "p"}, Output: &idp.CreateUserPoolResponse{UserPool: &idp.UserPoolType{Id: new("eu-west-1_new")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, event := audit.With(api.WithRequest(context.Background(), &api.Request{Time: r.clock.Now()}))
		event.SetPool("eu-west-1_new")
		if err := n.RecordCall(ctx, &Call{Operation: idp.Operations["InitiateAuth"], Caller: Caller{Type: CallerUnknown}}); err != nil {
			t.Fatal(err)
		}
		found, err := n.Search(t.Context(), &Query{Pool: "eu-west-1_new"}, nil, 10)
		if err != nil || len(found.Events) != 2 {
			t.Fatalf("%d records, %v", len(found.Events), err)
		}
		for i, region := range map[string]string{"CreateUserPool": "us-east-1", "InitiateAuth": "eu-west-1"} {
			for _, e := range found.Events {
				if e.Name == i && e.Region != region {
					t.Errorf("%s in %q, want %s", e.Name, e.Region, region)
				}
			}
		}
	})
}

// TestRisk wants the rating of a sign-in in the record of its call or page, and no token of a link.
func TestRisk(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		begin := func() context.Context {
			ctx, event := audit.With(api.WithRequest(context.Background(), &api.Request{Time: r.clock.Now()}))
			event.SetPool(pool)
			event.SetUser("sub-1")
			event.SetRisk("e-1", "58 newCountry:20")
			return ctx
		}
		if err := n.RecordCall(begin(), &Call{Operation: idp.Operations["InitiateAuth"], Caller: Caller{Type: CallerUnknown}}); err != nil {
			t.Fatal(err)
		}
		n.RecordPage(begin(), &Page{Name: PageEvent("/Login", "POST", false), Method: "POST", PoolID: pool, Status: 302, Parameters: url.Values{"username": {"alice"}}})
		n.RecordPage(begin(), &Page{Name: PageEvent("/eventFeedback", "GET", true), Method: "GET", PoolID: pool, Status: 200, Parameters: url.Values{
			"userPoolId": {pool}, "userName": {"alice"}, "eventId": {"e-1"}, "feedbackToken": {"secret"}, "feedbackValue": {"Valid"},
		}})
		found, err := n.Search(t.Context(), &Query{Pool: pool, Sub: "sub-1"}, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"InitiateAuth":          `"additionalEventData":{"authEventId":"e-1","risk":"58 newCountry:20","sub":"sub-1"}`,
			"CognitoAuthentication": `"authEventId":"e-1","risk":"58 newCountry:20","sub":"sub-1"}`,
			"Event_Feedback_GET": `{"eventId":["e-1"],"feedbackToken":["HIDDEN_DUE_TO_SECURITY_REASONS"],"feedbackValue":["Valid"],` +
				`"userName":["HIDDEN_DUE_TO_SECURITY_REASONS"],"userPoolId":["` + pool + `"]}`,
		}
		for i := range found.Events {
			text, err := Render(&found.Events[i])
			if err != nil || !strings.Contains(string(text), want[found.Events[i].Name]) {
				t.Errorf("%s, %v, want %s", text, err, want[found.Events[i].Name])
			}
			delete(want, found.Events[i].Name)
		}
		if len(want) > 0 {
			t.Errorf("no record of %v", want)
		}
	})
}
