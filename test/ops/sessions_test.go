package ops_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// The SDK does not know the operations on sessions yet: they are sent signed, as
// it would send them.

// body is a request's or an answer's JSON.
type body map[string]any

// raw calls an operation; said is "" or "Code: message".
func (r rig) raw(t *testing.T, operation string, in body, change ...func(*http.Request)) (out body, said string) {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	res, answer := r.post(t, operation, string(text), change...)
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		t.Fatalf("%s: %v in %s", operation, err, answer)
	}
	if res.StatusCode != http.StatusOK {
		m, _ := out["message"].(string)
		return out, fmt.Sprintf("%v: %s", out["__type"], m)
	}
	return out, ""
}

func (r rig) mustRaw(t *testing.T, operation string, in body, change ...func(*http.Request)) body {
	t.Helper()
	out, said := r.raw(t, operation, in, change...)
	if said != "" {
		t.Fatalf("%s: %s", operation, said)
	}
	return out
}

// says holds an operation to its refusal, "" for none.
func (r rig) says(t *testing.T, operation string, in body, want string) {
	t.Helper()
	if _, said := r.raw(t, operation, in); said != want {
		t.Errorf("%s %v\ngot  %q\nwant %q", operation, in, said, want)
	}
}

func tracking(pool, mode string, most int) body {
	return body{"UserPoolId": pool, "UserSessionTracking": mode, "TokenSession": body{"MaxPerUser": most}}
}

func (r rig) track(t *testing.T, pool string, most int) {
	t.Helper()
	r.mustRaw(t, "SetUserPoolSessionConfiguration", tracking(pool, "ENABLED", most))
}

// session is an entry of a list of sessions.
type session struct {
	SessionId, SessionType, ClientId, DeviceType, LastIPAddress, OriginSessionId string
	CreateDate, LastActiveDate                                                   float64
	LastLocation                                                                 any
	IsCurrentSession                                                             bool
}

func sessionsIn(t *testing.T, out body) []session {
	t.Helper()
	text, err := json.Marshal(out["Sessions"])
	if err != nil {
		t.Fatal(err)
	}
	var list []session
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (r rig) sessions(t *testing.T, pool, name string) []session {
	t.Helper()
	return sessionsIn(t, r.mustRaw(t, "AdminListUserSessions", body{"UserPoolId": pool, "Username": name}))
}

func ids(list []session) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.SessionId)
	}
	return out
}

// current is the id of the session that a token belongs to.
func (r rig) current(t *testing.T, access string) string {
	t.Helper()
	for _, s := range sessionsIn(t, r.mustRaw(t, "ListUserSessions", body{"AccessToken": access})) {
		if s.IsCurrentSession {
			return s.SessionId
		}
	}
	t.Fatal("no session is the current one")
	return ""
}

// alive reports whether an access and a refresh token still count.
func (r rig) alive(t *testing.T, client string, set *types.AuthenticationResultType) [2]bool {
	t.Helper()
	_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
	return [2]bool{err == nil, r.refresh(t, client, set) == nil}
}

const (
	sayTrackingOff = "OperationNotEnabledException: User session tracking is not enabled for the user pool."
	sayNoSession   = "ResourceNotFoundException: Session does not exist."
	sayTier        = "FeatureUnavailableInTierException: User session management is not available in your current tier."
)

func TestSessionConfiguration(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		lite := r.pool(t, func(in *cip.CreateUserPoolInput) { in.UserPoolTier = types.UserPoolTierTypeLite })
		client, foreign := r.client(t, pool), r.client(t, other)
		get := func(pool string) string {
			out := r.mustRaw(t, "GetUserPoolSessionConfiguration", body{"UserPoolId": pool})
			return fmt.Sprintf("%v %v %v", out["UserPoolId"] == pool, out["UserSessionTracking"], out["TokenSession"])
		}
		want := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		want(get(pool), "true DISABLED map[MaxPerUser:20]")
		want(get(lite), "true DISABLED map[MaxPerUser:20]")
		of := func(client string, minutes any) body {
			return body{"UserPoolId": pool, "ClientId": client, "SSOSession": body{"MaxValidityMinutes": minutes}}
		}
		r.says(t, "SetUserPoolClientSessionConfiguration", of(client, 5), sayTrackingOff)
		out := r.mustRaw(t, "SetUserPoolSessionConfiguration", tracking(pool, "ENABLED", 7))
		want(fmt.Sprintf("%v %v %v", out["UserPoolId"] == pool, out["UserSessionTracking"], out["TokenSession"]), "true ENABLED map[MaxPerUser:7]")
		want(get(pool), "true ENABLED map[MaxPerUser:7]")
		want(get(other), "true DISABLED map[MaxPerUser:20]")

		minutes := func() string {
			out := r.mustRaw(t, "GetUserPoolClientSessionConfiguration", body{"UserPoolId": pool, "ClientId": client})
			return fmt.Sprintf("%v %v %v", out["UserPoolId"] == pool, out["ClientId"] == client, out["SSOSession"])
		}
		want(minutes(), "true true map[MaxValidityMinutes:60]")
		r.mustRaw(t, "SetUserPoolClientSessionConfiguration", of(client, 0))
		want(minutes(), "true true map[MaxValidityMinutes:0]")
		// An update of the client, and a pause of the pool's tracking, leave it alone.
		must[*cip.UpdateUserPoolClientOutput](t)(r.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{UserPoolId: &pool, ClientId: &client}))
		r.mustRaw(t, "SetUserPoolSessionConfiguration", tracking(pool, "DISABLED", 9))
		want(get(pool), "true DISABLED map[MaxPerUser:9]")
		want(minutes(), "true true map[MaxValidityMinutes:0]")
		r.track(t, pool, 9)
		want(minutes(), "true true map[MaxValidityMinutes:0]")

		missing := "ResourceNotFoundException: User pool " + unknownPool + " does not exist."
		noClient := "ResourceNotFoundException: User pool client " + foreign + " does not exist."
		for _, row := range []struct {
			name, operation string
			in              body
			want            string
		}{
			{"Lite", "SetUserPoolSessionConfiguration", tracking(lite, "ENABLED", 5), sayTier},
			{"client in Lite", "SetUserPoolClientSessionConfiguration", body{"UserPoolId": lite, "ClientId": r.client(t, lite), "SSOSession": body{"MaxValidityMinutes": 1}}, sayTier},
			{"unknown pool", "SetUserPoolSessionConfiguration", tracking(unknownPool, "ENABLED", 5), missing},
			{"unknown pool's", "GetUserPoolSessionConfiguration", body{"UserPoolId": unknownPool}, missing},
			{"client of another pool", "SetUserPoolClientSessionConfiguration", of(foreign, 5), noClient},
			{"client of another pool's", "GetUserPoolClientSessionConfiguration", body{"UserPoolId": pool, "ClientId": foreign}, noClient},
		} {
			t.Run(row.name, func(t *testing.T) { r.says(t, row.operation, row.in, row.want) })
		}
		for _, bad := range []struct {
			operation string
			in        body
		}{
			{"SetUserPoolSessionConfiguration", tracking(pool, "ENABLED", 0)},
			{"SetUserPoolSessionConfiguration", tracking(pool, "ENABLED", 101)},
			{"SetUserPoolSessionConfiguration", tracking(pool, "PAUSED", 5)},
			{"SetUserPoolSessionConfiguration", body{"UserPoolId": pool, "UserSessionTracking": "ENABLED"}},
			{"SetUserPoolClientSessionConfiguration", of(client, 129601)},
			{"SetUserPoolClientSessionConfiguration", of(client, -1)},
			{"SetUserPoolClientSessionConfiguration", body{"UserPoolId": pool, "ClientId": client}},
		} {
			if _, said := r.raw(t, bad.operation, bad.in); !strings.HasPrefix(said, "InvalidParameterException: ") {
				t.Errorf("%s %v: %q", bad.operation, bad.in, said)
			}
		}
		want(get(pool), "true ENABLED map[MaxPerUser:9]")
		// The plan cannot be lowered under what is on.
		_, err := r.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &pool, UserPoolTier: types.UserPoolTierTypeLite})
		wantType[*types.TierChangeNotAllowedException](t, err)
	})
}

func TestUserSessions(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client, second := r.client(t, pool), r.client(t, pool)
		r.user(t, pool, "alice")
		r.user(t, pool, "bob")
		before := r.signIn(t, client, "alice")
		r.says(t, "ListUserSessions", body{"AccessToken": *before.AccessToken}, sayTrackingOff)
		r.says(t, "AdminListUserSessions", body{"UserPoolId": pool, "Username": "alice"}, sayTrackingOff)
		r.says(t, "RevokeUserSession", body{"AccessToken": *before.AccessToken, "SessionId": "tkn"}, sayTrackingOff)
		r.says(t, "AdminRevokeUserSession", body{"UserPoolId": pool, "Username": "alice", "SessionId": "tkn"}, sayTrackingOff)

		r.track(t, pool, 20)
		if list := r.sessions(t, pool, "alice"); len(list) != 0 {
			t.Errorf("sessions from before: %v", list)
		}
		a, b := r.signIn(t, client, "alice"), r.signIn(t, second, "alice")
		r.signIn(t, client, "bob")
		list := sessionsIn(t, r.mustRaw(t, "ListUserSessions", body{"AccessToken": *a.AccessToken}))
		if len(list) != 2 || list[0].IsCurrentSession || !list[1].IsCurrentSession || list[0].ClientId != second || list[1].ClientId != client {
			t.Fatalf("%+v", list)
		}
		for _, s := range list {
			if len(s.SessionId) != 28 || !strings.HasPrefix(s.SessionId, "tkn") || strings.Trim(s.SessionId, "abcdefghijklmnopqrstuvwxyz0123456789") != "" ||
				s.SessionType != "TOKEN" || s.LastIPAddress != "127.0.0.1" || s.DeviceType == "" || s.LastLocation != nil || s.OriginSessionId != "" ||
				s.CreateDate == 0 || s.CreateDate != s.LastActiveDate {
				t.Errorf("%+v", s)
			}
		}
		for _, s := range r.sessions(t, pool, "alice") {
			if s.IsCurrentSession {
				t.Error("an administrator has a current session")
			}
		}
		if got := r.alive(t, client, before); got != [2]bool{true, true} {
			t.Errorf("tokens from before are %v", got)
		}

		ofA, ofB := r.current(t, *a.AccessToken), r.current(t, *b.AccessToken)
		own := "InvalidParameterException: The current session cannot be revoked by RevokeUserSession."
		for _, row := range []struct {
			name, operation string
			in              body
			want            string
		}{
			{"own", "RevokeUserSession", body{"AccessToken": *a.AccessToken, "SessionId": ofA}, own},
			{"unknown", "RevokeUserSession", body{"AccessToken": *a.AccessToken, "SessionId": "tkn" + strings.Repeat("0", 25)}, sayNoSession},
			{"somebody else's", "RevokeUserSession", body{"AccessToken": *a.AccessToken, "SessionId": r.sessions(t, pool, "bob")[0].SessionId}, sayNoSession},
			{"not an id", "AdminRevokeUserSession", body{"UserPoolId": pool, "Username": "alice", "SessionId": "%"}, sayNoSession},
			{"another user's", "AdminRevokeUserSession", body{"UserPoolId": pool, "Username": "bob", "SessionId": ofA}, sayNoSession},
			{"no user", "AdminRevokeUserSession", body{"UserPoolId": pool, "Username": "carol", "SessionId": ofA}, "UserNotFoundException: User does not exist."},
			{"no user's", "AdminListUserSessions", body{"UserPoolId": pool, "Username": "carol"}, "UserNotFoundException: User does not exist."},
			{"no pool", "AdminListUserSessions", body{"UserPoolId": unknownPool, "Username": "alice"}, "ResourceNotFoundException: User pool " + unknownPool + " does not exist."},
			{"page", "ListUserSessions", body{"AccessToken": *a.AccessToken, "NextToken": "x"}, "InvalidParameterException: Invalid pagination token provided"},
			{"admin's page", "AdminListUserSessions", body{"UserPoolId": pool, "Username": "alice", "NextToken": "x"}, "InvalidParameterException: Invalid pagination token provided"},
			{"garbage", "ListUserSessions", body{"AccessToken": "garbage"}, "NotAuthorizedException: Invalid Access Token"},
		} {
			t.Run(row.name, func(t *testing.T) { r.says(t, row.operation, row.in, row.want) })
		}
		if _, said := r.raw(t, "RevokeUserSession", body{"AccessToken": *a.AccessToken, "SessionId": ofB, "RevokeAssociatedSessions": "ALL"}); !strings.HasPrefix(said, "InvalidParameterException: ") {
			t.Errorf("said %q", said)
		}
		if got := fmt.Sprint(r.alive(t, client, a), r.alive(t, second, b)); got != "[true true] [true true]" {
			t.Errorf("after refusals: %s", got)
		}
		r.mustRaw(t, "RevokeUserSession", body{"AccessToken": *a.AccessToken, "SessionId": ofB, "RevokeAssociatedSessions": "LINKED"})
		if got := fmt.Sprint(r.alive(t, client, a), r.alive(t, second, b)); got != "[true true] [false false]" {
			t.Errorf("after RevokeUserSession: %s", got)
		}
		r.says(t, "RevokeUserSession", body{"AccessToken": *a.AccessToken, "SessionId": ofB}, sayNoSession)
		r.says(t, "ListUserSessions", body{"AccessToken": *b.AccessToken}, "NotAuthorizedException: Access Token has been revoked")
		r.mustRaw(t, "AdminRevokeUserSession", body{"UserPoolId": pool, "Username": "alice", "SessionId": ofA})
		if got := r.alive(t, client, a); got != [2]bool{} {
			t.Errorf("after AdminRevokeUserSession: %v", got)
		}
		if list := r.sessions(t, pool, "alice"); len(list) != 0 {
			t.Errorf("left: %v", list)
		}
		if list := r.sessions(t, pool, "bob"); len(list) != 1 {
			t.Errorf("bob's: %v", list)
		}
	})
}

// TestSessionsEnd: whatever ends the tokens ends the session.
func TestSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client, doomed := r.client(t, pool), r.client(t, pool)
		r.track(t, pool, 20)
		for _, row := range []struct {
			name string
			end  func(t *testing.T, name string, set *types.AuthenticationResultType) error
			left int
		}{
			{"nothing", func(*testing.T, string, *types.AuthenticationResultType) error { return nil }, 2},
			{"RevokeToken", func(t *testing.T, _ string, set *types.AuthenticationResultType) error {
				r.mustRaw(t, "RevokeToken", body{"ClientId": client, "Token": *set.RefreshToken, "RevokeAssociatedSessions": "LINKED"})
				return nil
			}, 1},
			{"GlobalSignOut", func(t *testing.T, _ string, set *types.AuthenticationResultType) error {
				_, err := r.GlobalSignOut(t.Context(), &cip.GlobalSignOutInput{AccessToken: set.AccessToken})
				return err
			}, 0},
			{"AdminUserGlobalSignOut", func(t *testing.T, name string, _ *types.AuthenticationResultType) error {
				_, err := r.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &pool, Username: &name})
				return err
			}, 0},
			{"AdminDisableUser", func(t *testing.T, name string, _ *types.AuthenticationResultType) error {
				return disable(t, r, pool, name)
			}, 0},
			{"a new user of the same name", func(t *testing.T, name string, _ *types.AuthenticationResultType) error {
				_, err := r.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: &name})
				r.user(t, pool, name)
				return err
			}, 0},
		} {
			t.Run(row.name, func(t *testing.T) {
				name := strings.ReplaceAll(row.name, " ", "-")
				r.user(t, pool, name)
				set := r.signIn(t, client, name)
				r.signIn(t, client, name)
				wantError(t, row.end(t, name, set), nil)
				if list := r.sessions(t, pool, name); len(list) != row.left {
					t.Errorf("left: %+v", list)
				}
			})
		}
		t.Run("client deleted", func(t *testing.T) {
			r.user(t, pool, "dora")
			r.signIn(t, client, "dora")
			r.signIn(t, doomed, "dora")
			must[*cip.DeleteUserPoolClientOutput](t)(r.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: &doomed}))
			if list := r.sessions(t, pool, "dora"); len(list) != 1 || list[0].ClientId != client {
				t.Errorf("left: %+v", list)
			}
		})
		t.Run("tracking paused", func(t *testing.T) {
			r.user(t, pool, "emil")
			set := r.signIn(t, client, "emil")
			r.mustRaw(t, "SetUserPoolSessionConfiguration", tracking(pool, "DISABLED", 20))
			r.track(t, pool, 20)
			if list := r.sessions(t, pool, "emil"); len(list) != 0 {
				t.Errorf("left: %+v", list)
			}
			if got := r.alive(t, client, set); got != [2]bool{true, true} {
				t.Errorf("the tokens are %v", got)
			}
		})
	})
}

// TestSessionLimit: the longest unused go first, as many as need be, and two
// sign-ins at once never exceed the limit.
func TestSessionLimit(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client, rotating := r.client(t, pool), r.client(t, pool, func(in *cip.CreateUserPoolClientInput) {
			in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth}
			in.RefreshTokenRotation = &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled}
		})
		r.track(t, pool, 3)
		r.user(t, pool, "alice")
		signIn := func(client string) (*types.AuthenticationResultType, string) {
			r.pass(time.Minute)
			set := r.signIn(t, client, "alice")
			return set, r.current(t, *set.AccessToken)
		}
		a, ofA := signIn(client)
		b, ofB := signIn(rotating)
		_, ofC := signIn(client)
		want := func(ids_ ...string) {
			t.Helper()
			if got := fmt.Sprint(ids(r.sessions(t, pool, "alice"))); got != fmt.Sprint(ids_) {
				t.Errorf("sessions %s, want %v", got, ids_)
			}
		}
		want(ofC, ofB, ofA)
		r.pass(time.Minute)
		wantError(t, r.refresh(t, client, a), nil) // a was used last
		want(ofA, ofC, ofB)
		r.pass(time.Minute)
		got := must[*cip.GetTokensFromRefreshTokenOutput](t)(r.GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{ClientId: &rotating, RefreshToken: b.RefreshToken}))
		if id := r.current(t, *got.AuthenticationResult.AccessToken); id != ofB {
			t.Errorf("rotation went to session %s", id)
		}
		want(ofB, ofA, ofC)
		d, ofD := signIn(client)
		want(ofD, ofB, ofA)
		r.mustRaw(t, "SetUserPoolSessionConfiguration", tracking(pool, "ENABLED", 1))
		want(ofD, ofB, ofA) // nobody yet
		_, ofE := signIn(client)
		want(ofE)
		if got := fmt.Sprint(r.alive(t, client, a), r.alive(t, client, d)); got != "[false false] [false false]" {
			t.Errorf("evicted: %s", got)
		}

		r.track(t, pool, 2)
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if _, err := r.trySignIn(t, client, "alice", password); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(r.sessions(t, pool, "alice")); n != 2 {
			t.Errorf("%d sessions", n)
		}
		r.pass(31 * 24 * time.Hour)
		want()
	})
}

// TestSessionSightings: from where a session was used is told as of its last use.
func TestSessionSightings(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool)
		r.track(t, pool, 20)
		r.user(t, pool, "alice")
		agent := func(s string) func(*http.Request) { return func(req *http.Request) { req.Header.Set("User-Agent", s) } }
		out := r.mustRaw(t, "InitiateAuth", body{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": body{"USERNAME": "alice", "PASSWORD": password}},
			agent("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36"))
		first := r.sessions(t, pool, "alice")[0]
		if first.DeviceType != "Chrome 125 / macOS 15.0" {
			t.Errorf("signed in from %q", first.DeviceType)
		}
		refresh := func(from string) session {
			r.mustRaw(t, "InitiateAuth", body{"ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": body{
				"REFRESH_TOKEN": out["AuthenticationResult"].(map[string]any)["RefreshToken"],
			}}, agent(from))
			return r.sessions(t, pool, "alice")[0]
		}
		r.pass(time.Hour)
		const firefox, iphone = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
		next := refresh(firefox)
		if d := next.LastActiveDate - first.LastActiveDate; next.DeviceType != "Firefox 140 / Linux" || d < 3600 || d > 3700 || next.CreateDate != first.CreateDate {
			t.Errorf("%+v after %+v", next, first)
		}
		if s := refresh(iphone); s.DeviceType != next.DeviceType { // written once a minute
			t.Errorf("%+v", s)
		}
		r.pass(time.Minute)
		if s := refresh(iphone); s.DeviceType != "Safari 18.1 / iOS 18.1" {
			t.Errorf("%+v", s)
		}
		// An administrator describes the client of the user that it signs in.
		must[*cip.AdminInitiateAuthOutput](t)(r.AdminInitiateAuth(t.Context(), &cip.AdminInitiateAuthInput{
			UserPoolId: &pool, ClientId: &client, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
			ContextData: &types.ContextDataType{IpAddress: aws.String("192.0.2.7"), ServerName: aws.String("s"), ServerPath: aws.String("/"),
				HttpHeaders: []types.HttpHeader{{HeaderName: aws.String("user-agent"), HeaderValue: aws.String(firefox)}}},
		}))
		if s := r.sessions(t, pool, "alice")[0]; s.LastIPAddress != "192.0.2.7" || s.DeviceType != "Firefox 140 / Linux" {
			t.Errorf("%+v", s)
		}
	})
}
