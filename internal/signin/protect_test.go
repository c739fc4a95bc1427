package signin

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
	"cognate/internal/protection"
	"cognate/internal/risk/lists"
	"cognate/internal/risk/passwords"
	"cognate/test/lambdas"
	"cognate/test/services"
	"cognate/test/srpclient"
)

// Addresses that lead to a level of risk, by the lists that they are on.
const (
	safe    = "192.0.2.1"
	low     = "198.51.100.1"
	medium  = "198.51.100.2"
	high    = "198.51.100.3"
	skipped = "203.0.113.3" // high, too
	blocked = "203.0.113.9"
)

// breached is a password that attackers know.
const breached = "Passw0rd!breached"

// theList knows one password.
type theList struct{}

func (theList) Compromised(_ context.Context, password string) (bool, passwords.Source) {
	return password == breached, passwords.RangeAPI
}

// protect adds threat protection to the rig.
func (r *rig) protect(t testing.TB) {
	t.Helper()
	list := func(name string, addresses ...string) *lists.File {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(strings.Join(addresses, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return lists.Open(name, path)
	}
	r.protection = protection.New(protection.Deps{
		Store: r.store, Settings: risksettings.New(risksettings.Deps{Store: r.store, Pools: r.pools}), Ring: r.Rig.Ring, Now: r.now, Mail: r.mail,
		Passwords: theList{}, Reputation: list("reputation", low, medium, high, skipped), Tor: list("tor", medium, high, skipped), Hosting: list("hosting", high, skipped),
	})
	t.Cleanup(func() { _ = r.protection.Close(context.Background()) })
}

// protected returns a pool with threat protection, and an app client.
func (r *rig) protected(t testing.TB, mode idp.AdvancedSecurityModeType, config *idp.SetRiskConfigurationRequest) (*pool.Snapshot, *pool.Client) {
	t.Helper()
	r.protect(t)
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: mode}
	})
	c := r.client(t, sn, hiding)
	if config != nil {
		r.configure(t, sn, config)
	}
	return sn, c
}

func (r *rig) configure(t testing.TB, sn *pool.Snapshot, config *idp.SetRiskConfigurationRequest) {
	t.Helper()
	in := *config // Both engines share the case.
	in.UserPoolId = sn.ID
	if _, err := risksettings.New(risksettings.Deps{Store: r.store, Pools: r.pools}).SetRiskConfiguration(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
}

func takeover(low, medium, high idp.AccountTakeoverEventActionType) *idp.AccountTakeoverRiskConfigurationType {
	action := func(a idp.AccountTakeoverEventActionType) *idp.AccountTakeoverActionType {
		return &idp.AccountTakeoverActionType{EventAction: a}
	}
	return &idp.AccountTakeoverRiskConfigurationType{Actions: &idp.AccountTakeoverActionsType{LowAction: action(low), MediumAction: action(medium), HighAction: action(high)}}
}

func at(t testing.TB, address string) context.Context {
	return api.WithRequest(t.Context(), &api.Request{SourceIP: address, UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"})
}

// eventsOf returns the user's events in short: decision, response, level, the answers, and whether the password is known to
// attackers.
func (r *rig) eventsOf(t testing.TB, sn *pool.Snapshot, userID string) []string {
	t.Helper()
	list, next, err := r.protection.Events(t.Context(), sn.ID, userID, "", 60)
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	out := make([]string, len(list))
	for i, e := range list {
		parts := []string{string(e.EventRisk.RiskDecision), string(e.EventResponse)}
		if l := e.EventRisk.RiskLevel; l != "" {
			parts = append(parts, string(l))
		}
		for _, a := range e.ChallengeResponses {
			parts = append(parts, string(a.ChallengeName)+" "+string(a.ChallengeResponse))
		}
		if *e.EventRisk.CompromisedCredentialsDetected {
			parts = append(parts, "compromised")
		}
		out[i] = strings.Join(parts, ", ")
	}
	return out
}

func wantEvents(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

const (
	sayRisk     = "NotAuthorizedException: Unable to login because of security reasons."
	sayBreached = "PasswordResetRequiredException: Password reset required for user due to security reasons"
)

// TestThreatProtection has the cases of a plain password: what is answered, and what is recorded.
func TestThreatProtection(t *testing.T) {
	t.Parallel()
	compromised := func(action idp.CompromisedCredentialsEventActionType) *idp.CompromisedCredentialsRiskConfigurationType {
		return &idp.CompromisedCredentialsRiskConfigurationType{
			EventFilter: []idp.EventFilterType{idp.EventFilterTypeSignIn}, Actions: &idp.CompromisedCredentialsActionsType{EventAction: action},
		}
	}
	exceptions := &idp.RiskExceptionConfigurationType{BlockedIPRangeList: []string{blocked + "/32"}, SkippedIPRangeList: []string{"203.0.113.0/29"}}
	for _, tt := range []struct {
		name     string
		mode     idp.AdvancedSecurityModeType
		config   idp.SetRiskConfigurationRequest
		address  string
		password string // of the user
		typed    string // the password of the user, if it is empty
		want     string
		event    string // "" for none
	}{
		{name: "blocked address, right password", config: idp.SetRiskConfigurationRequest{RiskExceptionConfiguration: exceptions}, address: blocked, want: sayRisk, event: "Block, Fail, Password Success"},
		{name: "blocked address, wrong password", config: idp.SetRiskConfigurationRequest{RiskExceptionConfiguration: exceptions}, address: blocked, typed: wrong, want: sayIncorrect, event: "Block, Fail, Password Failure"},
		{name: "skipped address", config: idp.SetRiskConfigurationRequest{RiskExceptionConfiguration: exceptions}, address: skipped, want: "tokens", event: "NoRisk, Pass, Password Success"},
		{name: "breached password", config: idp.SetRiskConfigurationRequest{CompromisedCredentialsRiskConfiguration: compromised("BLOCK")}, password: breached, want: sayBreached, event: "NoRisk, Fail, Password Success, compromised"},
		{name: "breached password, no action", config: idp.SetRiskConfigurationRequest{CompromisedCredentialsRiskConfiguration: compromised("NO_ACTION")}, password: breached, want: "tokens", event: "NoRisk, Pass, Password Success, compromised"},
		{name: "breached password in AUDIT", mode: "AUDIT", password: breached, want: "tokens", event: "NoRisk, Pass, Password Success, compromised"},
		{name: "Low, NO_ACTION", config: idp.SetRiskConfigurationRequest{AccountTakeoverRiskConfiguration: takeover("NO_ACTION", "BLOCK", "BLOCK")}, address: low, want: "tokens", event: "AccountTakeover, Pass, Low, Password Success"},
		{name: "Medium, MFA_IF_CONFIGURED, no MFA", config: idp.SetRiskConfigurationRequest{AccountTakeoverRiskConfiguration: takeover("NO_ACTION", "MFA_IF_CONFIGURED", "BLOCK")}, address: medium, want: "tokens", event: "AccountTakeover, Pass, Medium, Password Success"},
		{name: "High, MFA_REQUIRED, no MFA", config: idp.SetRiskConfigurationRequest{AccountTakeoverRiskConfiguration: takeover("NO_ACTION", "MFA_IF_CONFIGURED", "MFA_REQUIRED")}, address: high, want: sayRisk, event: "Block, Fail, High, Password Success"},
		{name: "Low by default", address: low, want: sayRisk, event: "Block, Fail, Low, Password Success"},
		{name: "High, wrong password", address: high, typed: wrong, want: sayIncorrect, event: "AccountTakeover, Fail, High, Password Failure"},
		{name: "no risk", address: safe, want: "tokens", event: "NoRisk, Pass, Password Success"},
		{name: "AUDIT, High", mode: "AUDIT", address: high, want: "tokens", event: "Block, Pass, High, Password Success"},
		{name: "AUDIT, blocked address", mode: "AUDIT", config: idp.SetRiskConfigurationRequest{RiskExceptionConfiguration: exceptions}, address: blocked, want: "tokens", event: "Block, Pass, Password Success"},
		{name: "OFF", mode: "OFF", address: high, password: breached, want: "tokens"},
	} {
		mode, password := cmp.Or(tt.mode, idp.AdvancedSecurityModeTypeEnforced), cmp.Or(tt.password, right)
		typed := cmp.Or(tt.typed, password)
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, r *rig) {
				config := tt.config
				sn, c := r.protected(t, mode, &config)
				u := r.have(t, sn, "alice", person{password: password})
				out, err := r.plain(at(t, tt.address), c, "alice", typed)
				wantSays(t, said(out, err), tt.want)
				if tt.event == "" {
					wantEvents(t, r.eventsOf(t, sn, u.ID()))
				} else {
					wantEvents(t, r.eventsOf(t, sn, u.ID()), tt.event)
				}
				if out != nil && out.AuthenticationResult != nil && tt.event != "" {
					list, _, err := r.protection.Events(t.Context(), sn.ID, u.ID(), "", 1)
					claims := claims(t, *out.AuthenticationResult.AccessToken)
					if err != nil || claims["event_id"] != *list[0].EventId {
						t.Errorf("event_id %v, the event %s, %v", claims["event_id"], *list[0].EventId, err)
					}
				}
				if tt.want == sayBreached {
					if s := r.read(t, sn, u.ID()).Status(); s != idp.UserStatusTypeResetRequired {
						t.Errorf("the user is %s", s)
					}
					wantSays(t, said(r.plain(at(t, tt.address), c, "alice", typed)), sayReset)
				}
			})
		})
	}
}

// TestThreatProtectionSRP: the server never sees the password, so that a breached one is not found. All else is as with a
// plain password.
func TestThreatProtectionSRP(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, c := r.protected(t, idp.AdvancedSecurityModeTypeEnforced, nil)
		r.pool = sn
		u := r.have(t, sn, "alice", person{password: breached})
		for _, tt := range []struct{ address, password, want, event string }{
			{safe, breached, "tokens", "NoRisk, Pass, Password Success"},
			{safe, wrong, sayIncorrect, "NoRisk, Fail, Password Failure"},
			{high, breached, sayRisk, "Block, Fail, High, Password Success"},
		} {
			ctx, client := at(t, tt.address), srpclient.New(sn.ID)
			asked, err := r.InitiateAuth(ctx, &idp.InitiateAuthRequest{
				ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": client.Public()},
			})
			if err != nil {
				t.Fatal(err)
			}
			if tt.password == breached && tt.address == safe {
				wantEvents(t, r.eventsOf(t, sn, u.ID()))
			}
			wantSays(t, answered(r.RespondToAuthChallenge(ctx, &idp.RespondToAuthChallengeRequest{
				ClientId: c.ID, ChallengeName: idp.ChallengeNameTypePasswordVerifier, ChallengeResponses: client.Prove(asked.ChallengeParameters, tt.password, r.now()),
			})), tt.want)
			if got := r.eventsOf(t, sn, u.ID()); got[0] != tt.event {
				t.Errorf("%s: event %q, want %q", tt.address, got[0], tt.event)
			}
			r.Clock.Pass(1e9)
		}
	})
}

// TestElevatedRiskAsksMFA: a remembered device does not take the place of the second factor, and the event follows the
// answers.
func TestElevatedRiskAsksMFA(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.protect(t)
		sn := r.mfaPoolWith(t, idp.UserPoolMfaTypeOptional, []string{askTOTP}, func(in *idp.CreateUserPoolRequest) {
			in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeEnforced}
			tracking(true, false)(in)
		})
		r.configure(t, sn, &idp.SetRiskConfigurationRequest{AccountTakeoverRiskConfiguration: takeover("NO_ACTION", "MFA_IF_CONFIGURED", "MFA_REQUIRED")})
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		a := r.enrolled(t, sn, c, u)
		r.prefers(t, u, askTOTP)
		wantSays(t, said(r.from(at(t, safe), c, "alice", d.key)), askDevice)
		wantSays(t, said(r.from(at(t, low), c, "alice", d.key)), askDevice)
		for _, tt := range []struct{ address, level, key, end, response string }{
			{medium, "Medium", d.key, askDevice, "InProgress"},
			{high, "High", d.key, askDevice, "InProgress"},
			{high, "High", "", "tokens", "Pass"},
		} {
			r.Clock.Pass(2 * keys.TOTPStep)
			ctx := at(t, tt.address)
			out, err := r.from(ctx, c, "alice", tt.key)
			wantSays(t, said(out, err), askTOTP)
			answer := func(code string) string {
				return answered(r.RespondToAuthChallenge(ctx, &idp.RespondToAuthChallengeRequest{
					ClientId: c.ID, ChallengeName: askTOTP, Session: out.Session, ChallengeResponses: map[string]string{"USERNAME": "alice", "SOFTWARE_TOKEN_MFA_CODE": code},
				}))
			}
			event := func(response, answers string) {
				t.Helper()
				wantEvents(t, r.eventsOf(t, sn, u.ID())[:1], "AccountTakeover, "+response+", "+tt.level+", Password Success"+answers)
			}
			event("InProgress", "")
			wantSays(t, answer(services.OtherCode(a.code(0))), sayTOTPMismatch)
			event("Fail", ", Mfa Failure")
			wantSays(t, answer(a.code(0)), tt.end)
			event(tt.response, ", Mfa Failure, Mfa Success")
		}
	})
}

// TestCustomAuthMode: custom sign-ins are judged by a mode of their own, at their end.
func TestCustomAuthMode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  idp.AdvancedSecurityEnabledModeType
		want  string
		event []string
	}{
		{"", "tokens", nil},
		{"AUDIT", "tokens", []string{"Block, Pass, High"}},
		{"ENFORCED", sayRisk, []string{"Block, Fail, High"}},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			t.Parallel()
			r := sqlite(t)
			r.protect(t)
			r.Functions.On("define", func(e *lambdas.Event) string {
				e.Response["issueTokens"] = true
				return ""
			})
			sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
				in.LambdaConfig = &idp.LambdaConfigType{DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify")}
				in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeEnforced, AdvancedSecurityAdditionalFlows: &idp.AdvancedSecurityAdditionalFlowsType{CustomAuthMode: tt.mode}}
			})
			u := r.have(t, sn, "alice", person{password: right})
			out, err := r.InitiateAuth(at(t, high), &idp.InitiateAuthRequest{ClientId: r.client(t, sn).ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "alice"}})
			wantSays(t, said(out, err), tt.want)
			wantEvents(t, r.eventsOf(t, sn, u.ID()), tt.event...)
		})
	}
}

// TestUnknownUsersLeaveNoEvent: a decoy's event goes to a row that no list shows, however many names are tried.
func TestUnknownUsersLeaveNoEvent(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, c := r.protected(t, idp.AdvancedSecurityModeTypeEnforced, nil)
		for i := range 4 {
			name := "nobody" + strings.Repeat("x", i)
			wantSays(t, said(r.plain(at(t, high), c, name, right)), sayIncorrect)
			if got := r.eventsOf(t, sn, r.users.Decoy(sn, name).ID()); len(got) != 0 {
				t.Errorf("%s has the events %q", name, got)
			}
		}
		rows, err := r.store.AuthEvents(t.Context(), sn.ID, "", "", 100)
		if err != nil || len(rows) == 0 || len(rows) > 4 {
			t.Errorf("%d rows for nobody, %v", len(rows), err)
		}
	})
}

// TestContextOfClients: where the user is comes from a server only if it is trusted.
func TestContextOfClients(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn, plain := r.protected(t, idp.AdvancedSecurityModeTypeEnforced, nil)
	propagating := r.client(t, sn, withSecret, func(in *idp.CreateUserPoolClientRequest) {
		in.EnablePropagateAdditionalUserContextData = new(true)
	})
	secret := r.client(t, sn, withSecret)
	r.have(t, sn, "alice", person{password: right})
	public := func(c *pool.Client) string {
		params := map[string]string{"USERNAME": "alice", "PASSWORD": right}
		if len(c.Secrets) > 0 {
			params["SECRET_HASH"] = secretHash(r.secretOf(t, c), "alice", c.ID)
		}
		return said(r.InitiateAuth(at(t, safe), &idp.InitiateAuthRequest{
			ClientId: c.ID, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: params, UserContextData: &idp.UserContextDataType{IpAddress: new(high)},
		}))
	}
	wantSays(t, public(plain), "tokens")
	wantSays(t, public(secret), "tokens")
	wantSays(t, public(propagating), sayRisk)
	admin := func(d *idp.ContextDataType) string {
		out, err := r.AdminInitiateAuth(at(t, high), &idp.AdminInitiateAuthRequest{
			UserPoolId: sn.ID, ClientId: plain.ID, AuthFlow: "ADMIN_USER_PASSWORD_AUTH", AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": right}, ContextData: d,
		})
		return said((*idp.InitiateAuthResponse)(out), err)
	}
	wantSays(t, admin(nil), "tokens") // The server's own address says nothing of the user.
	wantSays(t, admin(&idp.ContextDataType{IpAddress: safe}), "tokens")
	wantSays(t, admin(&idp.ContextDataType{IpAddress: high}), sayRisk)
}

func secretHash(secret, name, clientID string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(name + clientID))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// TestContextOfPages: what a page gathered reaches the event, and names no user.
func TestContextOfPages(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn, c := r.protected(t, idp.AdvancedSecurityModeTypeAudit, nil)
	u := r.have(t, sn, "alice", person{password: right})
	payload := `{"contextData":{"UserAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0","DeviceId":"d:1","ClientTimezone":"-07:00"},"username":"","userPoolId":"","timestamp":"` + strconv.FormatInt(r.now().UnixMilli(), 10) + `"}`
	document, err := json.Marshal(map[string]string{"payload": payload, "signature": secretHash(c.ID, "JS20171115", payload), "version": "JS20171115"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.StartOnPage(at(t, safe), PageCall{
		Pool: sn, Client: c, Params: map[string]string{"USERNAME": "alice", "PASSWORD": right}, EncodedData: base64.StdEncoding.EncodeToString(document),
		Complete: func(context.Context, *Proof) error { return nil },
	}, idp.AuthFlowTypeUserPasswordAuth)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := r.protection.Events(t.Context(), sn.ID, u.ID(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := list[0].EventContextData; *d.DeviceName != "Firefox 127, Linux" || *d.Timezone != "-07:00" || list[0].EventResponse != idp.EventResponseTypePass || list[0].EventRisk.RiskLevel != "" {
		t.Errorf("%+v, %+v", *d, *list[0].EventRisk)
	}
}

// TestNotices: the user is told once of a risky sign-in, at the verified address, with values that cannot be markup.
func TestNotices(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		config := &idp.SetRiskConfigurationRequest{AccountTakeoverRiskConfiguration: takeover("NO_ACTION", "MFA_IF_CONFIGURED", "BLOCK")}
		a := config.AccountTakeoverRiskConfiguration
		a.Actions.LowAction.Notify, a.Actions.HighAction.Notify = true, true
		a.NotifyConfiguration = &idp.NotifyConfigurationType{
			SourceArn: "arn:aws:ses:us-east-1:123456789012:identity/example.com", From: new("security@example.com"), ReplyTo: new("help@example.com"),
			BlockEmail: &idp.NotifyEmailType{Subject: "Blocked {ip-address}", HtmlBody: new("<p>{username} {device-name} {event-id}</p>")},
		}
		sn, c := r.protected(t, idp.AdvancedSecurityModeTypeEnforced, config)
		verified := map[string]string{"email": "alice@example.com", "email_verified": "true"}
		u := r.have(t, sn, "<b>alice", person{password: right, attrs: verified})
		for _, tt := range []struct {
			address, password string
			subject, body     string // "" for no message
		}{
			{safe, right, "", ""},
			{high, wrong, "", ""},
			{medium, right, "", ""},
			{low, right, "New sign-in attempt", "Address: " + low},
			{high, right, "Blocked " + high, "<p>&lt;b&gt;alice Chrome 126, Windows 10 "},
		} {
			r.Clock.Pass(1e9)
			before := len(r.sent(t, u))
			_, _ = r.plain(at(t, tt.address), c, "<b>alice", tt.password)
			sent := r.sent(t, u)
			switch {
			case tt.subject == "":
				if len(sent) != before {
					t.Errorf("%s: a message %q", tt.address, sent[0].Subject)
				}
			case len(sent) != before+1 || sent[0].Subject != tt.subject || !strings.Contains(sent[0].Body, tt.body) || sent[0].To != "alice@example.com" || sent[0].From != "security@example.com" || sent[0].ReplyTo != "help@example.com":
				t.Errorf("%s: %d messages, %+v", tt.address, len(sent)-before, sent[0])
			}
		}
		other := r.have(t, sn, "bob", person{password: right, attrs: map[string]string{"email": "bob@example.com"}})
		wantSays(t, said(r.plain(at(t, high), c, "bob", right)), sayRisk)
		if sent := r.sent(t, other); len(sent) != 0 {
			t.Error("a message to an address that is not verified")
		}
	})
}
