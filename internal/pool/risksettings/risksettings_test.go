package risksettings

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk/lists"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// rig is the service on a real database.
type rig struct {
	*Service
	deps  pool.Deps
	clock *fresh.Clock
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

func newRig(t *testing.T, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC))
	db := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	r := &rig{deps: pool.Deps{Store: db, Ring: ring, Pages: fresh.PageTokens(), Now: c.Now}, clock: c}
	return r.another()
}

// another returns another server on the same database.
func (r *rig) another() *rig {
	return &rig{New(Deps{Store: r.deps.Store, Pools: pool.New(r.deps)}), r.deps, r.clock}
}

// protected returns a pool of a plan that includes threat protection.
func (r *rig) protected(t *testing.T) *pool.Snapshot {
	return fresh.Pool(t, r.Service.deps.Pools, func(in *idp.CreateUserPoolRequest) {
		in.UserPoolTier = idp.UserPoolTierTypePlus
	})
}

// others stands for the operations that other packages do.
type others struct{ idp.Service }

type whole struct {
	*Service
	others
}

// call runs an operation on the bodies of requests and answers.
func (r *rig) call(ctx context.Context, op, body string) (map[string]any, error) {
	for _, b := range idp.Bind(whole{Service: r.Service}) {
		if b.Name != op {
			continue
		}
		input, err := b.Decode([]byte(body))
		if err != nil {
			return nil, err
		}
		answer, err := b.Call(ctx, input)
		if err != nil {
			return nil, err
		}
		var tree map[string]any
		return tree, json.Unmarshal(b.Encode(nil, answer), &tree)
	}
	panic("no operation " + op)
}

func scope(sn *pool.Snapshot, c *pool.Client, members string) string {
	body := `{"UserPoolId":"` + sn.ID + `"`
	if c != nil {
		body += `,"ClientId":"` + c.ID + `"`
	}
	if members != "" {
		body += "," + members
	}
	return body + "}"
}

func (r *rig) must(t *testing.T, op, body string) map[string]any {
	t.Helper()
	tree, err := r.call(t.Context(), op, body)
	if err != nil {
		t.Fatalf("%s %s: %v", op, body, err)
	}
	return tree
}

const (
	exceptions = `"RiskExceptionConfiguration":{"BlockedIPRangeList":["10.10.10.10/32"]}`
	notify     = `"NotifyConfiguration":{"SourceArn":"arn:aws:ses:us-east-1:123456789012:identity/example.com","From":"security@example.com","BlockEmail":{"Subject":"Blocked","HtmlBody":" <b>no</b> ","TextBody":"  sorry "}}`
)

// TestReadBack has the read-backs that Terraform's aws_cognito_risk_configuration depends on: a block that was not sent
// stays absent, and a block that was sent comes back as it was.
func TestReadBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, sent, want string }{
		{"exceptions", exceptions, ""},
		{"both lists in their order", `"RiskExceptionConfiguration":{"BlockedIPRangeList":["10.1.2.3/8","2001:DB8::/32"],"SkippedIPRangeList":["9.9.9.9/32","1.1.1.1/32"]}`, ""},
		{"compromised", `"CompromisedCredentialsRiskConfiguration":{"EventFilter":["SIGN_IN"],"Actions":{"EventAction":"NO_ACTION"}}`, ""},
		{"compromised without a filter", `"CompromisedCredentialsRiskConfiguration":{"Actions":{"EventAction":"BLOCK"}}`,
			`"CompromisedCredentialsRiskConfiguration":{"EventFilter":["SIGN_IN","PASSWORD_CHANGE","SIGN_UP"],"Actions":{"EventAction":"BLOCK"}}`},
		{"takeover without Low", `"AccountTakeoverRiskConfiguration":{"Actions":{"MediumAction":{"Notify":false,"EventAction":"MFA_REQUIRED"},"HighAction":{"Notify":false,"EventAction":"BLOCK"}}}`, ""},
		{"takeover with messages", `"AccountTakeoverRiskConfiguration":{` + notify + `,"Actions":{"HighAction":{"Notify":true,"EventAction":"BLOCK"}}}`, ""},
		{"all", exceptions + `,"CompromisedCredentialsRiskConfiguration":{"EventFilter":["SIGN_UP"],"Actions":{"EventAction":"BLOCK"}},"AccountTakeoverRiskConfiguration":{"Actions":{"LowAction":{"Notify":false,"EventAction":"NO_ACTION"}}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, r *rig) {
				sn := r.protected(t)
				c := fresh.Client(t, r.Service.deps.Pools, sn)
				for _, client := range []*pool.Client{nil, c} {
					var want map[string]any
					text := tt.want
					if text == "" {
						text = tt.sent
					}
					if err := json.Unmarshal([]byte(scope(sn, client, text+`,"LastModifiedDate":1795946400`)), &want); err != nil {
						t.Fatal(err)
					}
					for _, op := range []struct{ name, members string }{{"SetRiskConfiguration", tt.sent}, {"SetRiskConfiguration", tt.sent}, {"DescribeRiskConfiguration", ""}} {
						got := r.must(t, op.name, scope(sn, client, op.members))
						if d := cmp.Diff(map[string]any{"RiskConfiguration": want}, got); d != "" {
							t.Errorf("%s (-want +got):\n%s", op.name, d)
						}
					}
				}
			})
		})
	}
}

// TestScopes: a call replaces the configuration of exactly its scope, and one without any configuration removes it.
func TestScopes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.protected(t)
		c := fresh.Client(t, r.Service.deps.Pools, sn)
		bare := func(client *pool.Client) {
			t.Helper()
			var want any
			if err := json.Unmarshal([]byte(`{"RiskConfiguration":`+scope(sn, client, "")+`}`), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, any(r.must(t, "DescribeRiskConfiguration", scope(sn, client, "")))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		}
		bare(nil)
		bare(c)
		r.must(t, "SetRiskConfiguration", scope(sn, c, exceptions))
		bare(nil)
		r.must(t, "SetRiskConfiguration", `{"UserPoolId":"`+sn.ID+`","ClientId":"ALL",`+exceptions+`}`)
		got := r.must(t, "DescribeRiskConfiguration", scope(sn, nil, ""))
		if d := cmp.Diff(r.must(t, "DescribeRiskConfiguration", `{"UserPoolId":"`+sn.ID+`","ClientId":"ALL"}`), got); d != "" || len(got["RiskConfiguration"].(map[string]any)) != 3 {
			t.Errorf("the pool: %v\n%s", got, d)
		}
		for range 2 {
			r.must(t, "SetRiskConfiguration", scope(sn, nil, ""))
			bare(nil)
		}
		if got := r.must(t, "DescribeRiskConfiguration", scope(sn, c, "")); got["RiskConfiguration"].(map[string]any)["RiskExceptionConfiguration"] == nil {
			t.Error("the app client lost its configuration with that of the pool")
		}
		r.must(t, "SetRiskConfiguration", scope(sn, c, ""))
		bare(c)

		// A configuration goes with its app client.
		r.must(t, "SetRiskConfiguration", scope(sn, c, exceptions))
		if err := r.Service.deps.Pools.DeleteUserPoolClient(t.Context(), &idp.DeleteUserPoolClientRequest{UserPoolId: sn.ID, ClientId: c.ID}); err != nil {
			t.Fatal(err)
		}
		if n, err := r.deps.Store.CountItems(t.Context(), sn.ID, store.KindRisk); n != 0 || err != nil {
			t.Errorf("%d configurations after the deletion, %v", n, err)
		}
		for _, op := range []string{"SetRiskConfiguration", "DescribeRiskConfiguration"} {
			_, err := r.call(t.Context(), op, scope(sn, c, ""))
			wantError(t, op, err, "ResourceNotFoundException: User pool client "+c.ID+" does not exist.")
			_, err = r.call(t.Context(), op, `{"UserPoolId":"us-east-1_AbCdEf123"}`)
			wantError(t, op, err, "ResourceNotFoundException: User pool us-east-1_AbCdEf123 does not exist.")
		}
	})
}

func wantError(t *testing.T, op string, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		t.Fatalf("%s: %v, want %s", op, err, want)
	}
	if got := e.Code + ": " + e.Message; got != want || !idp.Operations[op].Declares(e.Code) {
		t.Errorf("%s:\n got %q\nwant %q", op, got, want)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	sn := r.protected(t)
	takeover := func(actions string) string {
		return `"AccountTakeoverRiskConfiguration":{"Actions":{` + actions + `}}`
	}
	const lessStrict = "The action of a higher risk level cannot be less restrictive than that of a lower one."
	for _, tt := range []struct{ name, members, want string }{
		{"address without a length", `"RiskExceptionConfiguration":{"SkippedIPRangeList":["10.0.0.1"]}`, "Invalid CIDR range: 10.0.0.1"},
		{"no address", `"RiskExceptionConfiguration":{"BlockedIPRangeList":["10.0.0.0/8","a/8"]}`, "Invalid CIDR range: a/8"},
		{"zone", `"RiskExceptionConfiguration":{"BlockedIPRangeList":["fe80::1%eth0/64"]}`, "Invalid CIDR range: fe80::1%eth0/64"},
		{"High below Low", takeover(`"LowAction":{"Notify":false,"EventAction":"BLOCK"},"HighAction":{"Notify":false,"EventAction":"MFA_REQUIRED"}`), lessStrict},
		{"Medium below Low", takeover(`"LowAction":{"Notify":false,"EventAction":"MFA_IF_CONFIGURED"},"MediumAction":{"Notify":false,"EventAction":"NO_ACTION"}`), lessStrict},
		{"message without a sender", takeover(`"LowAction":{"Notify":true,"EventAction":"BLOCK"}`), "NotifyConfiguration is required when Notify is true."},
		{"sender of another service", `"AccountTakeoverRiskConfiguration":{"NotifyConfiguration":{"SourceArn":"arn:aws:sns:us-east-1:123456789012:topic"},"Actions":{}}`,
			"SourceArn must be the ARN of an SES identity: arn:aws:sns:us-east-1:123456789012:topic"},
		{"two lines of From", `"AccountTakeoverRiskConfiguration":{"NotifyConfiguration":{"SourceArn":"arn:aws:ses:us-east-1:123456789012:identity/a.example","From":"a@a.example\r\nBcc: b@b.example"},"Actions":{}}`,
			"From and ReplyTo must be single lines."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.call(t.Context(), "SetRiskConfiguration", scope(sn, nil, tt.members))
			wantError(t, "SetRiskConfiguration", err, "InvalidParameterException: "+tt.want)
		})
	}
	long := `"` + strings.Repeat(`10.0.0.0/8","`, 200) + `10.0.0.0/8"`
	_, err := r.call(t.Context(), "SetRiskConfiguration", scope(sn, nil, `"RiskExceptionConfiguration":{"BlockedIPRangeList":[`+long+`]}`))
	if api.CodeOf(err) != "InvalidParameterException" {
		t.Errorf("201 ranges: %v", err)
	}
}

// modeOn returns the pool as it is with threat protection on.
func modeOn(sn *pool.Snapshot, a *idp.UserPoolAddOnsType) *pool.Snapshot {
	on := *sn
	on.Config.UserPoolAddOns = a
	return &on
}

func TestModes(t *testing.T) {
	t.Parallel()
	flows := func(m idp.AdvancedSecurityEnabledModeType) *idp.AdvancedSecurityAdditionalFlowsType {
		return &idp.AdvancedSecurityAdditionalFlowsType{CustomAuthMode: m}
	}
	for _, tt := range []struct {
		name         string
		addOns       *idp.UserPoolAddOnsType
		mode, custom Mode
	}{
		{"absent", nil, Off, Off},
		{"OFF", &idp.UserPoolAddOnsType{AdvancedSecurityMode: "OFF", AdvancedSecurityAdditionalFlows: flows("ENFORCED")}, Off, Off},
		{"AUDIT", &idp.UserPoolAddOnsType{AdvancedSecurityMode: "AUDIT"}, Audit, Off},
		{"ENFORCED, custom AUDIT", &idp.UserPoolAddOnsType{AdvancedSecurityMode: "ENFORCED", AdvancedSecurityAdditionalFlows: flows("AUDIT")}, Enforced, Audit},
		{"AUDIT, custom ENFORCED", &idp.UserPoolAddOnsType{AdvancedSecurityMode: "AUDIT", AdvancedSecurityAdditionalFlows: flows("ENFORCED")}, Audit, Enforced},
		{"ENFORCED, no custom mode", &idp.UserPoolAddOnsType{AdvancedSecurityMode: "ENFORCED", AdvancedSecurityAdditionalFlows: flows("")}, Enforced, Off},
	} {
		sn := modeOn(&pool.Snapshot{}, tt.addOns)
		if mode, custom := ModeOf(sn), CustomModeOf(sn); mode != tt.mode || custom != tt.custom {
			t.Errorf("%s: %d, %d", tt.name, mode, custom)
		}
	}
}

func set(t *testing.T, texts ...string) *lists.Set {
	t.Helper()
	s, err := lists.New(texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEffect: an app client's configuration replaces that of its pool as a whole, and a part that was never set has its
// default. A change is seen at once, and by another server with the pool's next version.
func TestEffect(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.protected(t)
		a, b := fresh.Client(t, r.Service.deps.Pools, sn), fresh.Client(t, r.Service.deps.Pools, sn)
		other := r.another()
		effect := func(r *rig, c *pool.Client) *Settings {
			t.Helper()
			now, err := r.Service.deps.Pools.Load(t.Context(), sn.ID)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := r.For(t.Context(), now, c.ID); err != nil || s.Mode != Off || s.High.Do != "" {
				t.Fatalf("switched off: %+v, %v", s, err)
			}
			s, err := r.For(t.Context(), modeOn(now, &idp.UserPoolAddOnsType{AdvancedSecurityMode: "ENFORCED"}), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		block := Action{Do: "BLOCK"}
		defaults := &Settings{Mode: Enforced, Low: block, Medium: block, High: block, Compromised: Compromised{[]idp.EventFilterType{"SIGN_IN", "PASSWORD_CHANGE", "SIGN_UP"}, true}}
		diff := func(want, got *Settings) string {
			return cmp.Diff(want, got, cmp.AllowUnexported(lists.Set{}))
		}
		if d := diff(defaults, effect(r, a)); d != "" {
			t.Errorf("the defaults (-want +got):\n%s", d)
		}
		effect(other, a)

		r.must(t, "SetRiskConfiguration", scope(sn, nil, `"AccountTakeoverRiskConfiguration":{"Actions":{"MediumAction":{"Notify":false,"EventAction":"MFA_REQUIRED"}}},"CompromisedCredentialsRiskConfiguration":{"EventFilter":["SIGN_UP"],"Actions":{"EventAction":"NO_ACTION"}}`))
		r.must(t, "SetRiskConfiguration", scope(sn, b, `"RiskExceptionConfiguration":{"BlockedIPRangeList":["10.1.2.3/8"],"SkippedIPRangeList":["::ffff:192.0.2.0/120"]}`))
		r.clock.Pass(time.Second)
		mfa := Action{Do: "MFA_REQUIRED"}
		ofPool := &Settings{Mode: Enforced, Low: Action{Do: "NO_ACTION"}, Medium: mfa, High: mfa, Compromised: Compromised{Events: []idp.EventFilterType{"SIGN_UP"}}}
		ofClient := *defaults
		ofClient.Blocked, ofClient.Skipped = set(t, "10.0.0.0/8"), set(t, "192.0.2.0/24")
		for name, server := range map[string]*rig{"this server": r, "another": other} {
			if d := diff(ofPool, effect(server, a)); d != "" {
				t.Errorf("%s, from the pool (-want +got):\n%s", name, d)
			}
			if d := diff(&ofClient, effect(server, b)); d != "" {
				t.Errorf("%s, the app client's own (-want +got):\n%s", name, d)
			}
		}
		s := effect(r, b)
		for address, want := range map[string]bool{"10.9.9.9": true, "::ffff:10.9.9.9": true, "11.0.0.0": false, "::1": false} {
			if got := s.Blocked.Contains(netip.MustParseAddr(address)); got != want {
				t.Errorf("%s blocked: %t", address, got)
			}
		}
		if !s.Compromised.Checks("SIGN_IN") || effect(r, a).Compromised.Checks("SIGN_IN") {
			t.Error("the filter of events has no effect")
		}
	})
}
