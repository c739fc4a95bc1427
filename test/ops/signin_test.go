package ops_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/test/srpclient"
)

func incorrect() error { return notAuthorized("Incorrect username or password.") }

// initiator is one of the two operations that start a sign-in.
type initiator func(t *testing.T, r rig, pool, client string, flow types.AuthFlowType, params map[string]string) (*cip.InitiateAuthOutput, error)

func public(t *testing.T, r rig, _, client string, flow types.AuthFlowType, params map[string]string) (*cip.InitiateAuthOutput, error) {
	return r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &client, AuthFlow: flow, AuthParameters: params})
}

func admin(t *testing.T, r rig, pool, client string, flow types.AuthFlowType, params map[string]string) (*cip.InitiateAuthOutput, error) {
	out, err := r.AdminInitiateAuth(t.Context(), &cip.AdminInitiateAuthInput{UserPoolId: &pool, ClientId: &client, AuthFlow: flow, AuthParameters: params})
	if err != nil {
		return nil, err
	}
	return &cip.InitiateAuthOutput{ChallengeName: out.ChallengeName, ChallengeParameters: out.ChallengeParameters, Session: out.Session, AuthenticationResult: out.AuthenticationResult}, nil
}

// passwordTable is Cognito's table of what a password leads to, by the user's
// state and the client's setting.
func passwordTable(t *testing.T, start initiator, flow types.AuthFlowType) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		open, shy := r.client(t, pool), r.client(t, pool, hiding)
		r.user(t, pool, "confirmed")
		r.signUp(t, open, "unconfirmed")
		r.invited(t, pool, "invited")
		r.user(t, pool, "reset", verified("r@example.com")...)
		must[*cip.AdminResetUserPasswordOutput](t)(r.AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &pool, Username: aws.String("reset")}))
		r.user(t, pool, "disabled")
		wantError(t, disable(t, r, pool, "disabled"), nil)
		r.user(t, other, "foreign")
		off := notAuthorized("User is disabled.")
		unconfirmed := &types.UserNotConfirmedException{Message: aws.String("User is not confirmed.")}
		reset := &types.PasswordResetRequiredException{Message: aws.String("Password reset required for the user")}
		for _, row := range []struct {
			user, password string
			open, shy      error
		}{
			{"confirmed", password, nil, nil},
			{"confirmed", otherPassword, incorrect(), incorrect()},
			{"unconfirmed", password, unconfirmed, unconfirmed},
			{"unconfirmed", otherPassword, unconfirmed, incorrect()},
			{"reset", password, reset, reset},
			{"reset", otherPassword, reset, incorrect()},
			{"invited", password, nil, nil},
			{"invited", otherPassword, incorrect(), incorrect()},
			{"disabled", password, off, off},
			{"disabled", otherPassword, off, incorrect()},
			{"nobody", password, noUser(), incorrect()},
			{"foreign", password, noUser(), incorrect()},
		} {
			for client, want := range map[string]error{open: row.open, shy: row.shy} {
				name := row.user + map[bool]string{true: " right", false: " wrong"}[row.password == password] + map[bool]string{true: " hiding"}[client == shy]
				t.Run(name, func(t *testing.T) {
					out, err := start(t, r, pool, client, flow, map[string]string{"USERNAME": row.user, "PASSWORD": row.password})
					wantError(t, err, want)
					if err != nil {
						return
					}
					if row.user == "invited" {
						if out.ChallengeName != types.ChallengeNameTypeNewPasswordRequired || out.AuthenticationResult != nil || out.Session == nil {
							t.Errorf("%+v", out)
						}
						return
					}
					set := out.AuthenticationResult
					if set == nil || *set.TokenType != "Bearer" || set.ExpiresIn != 3600 || out.ChallengeName != "" || out.Session != nil {
						t.Fatalf("%+v", out)
					}
					if c := claims(t, *set.IdToken); c["cognito:username"] != "confirmed" || c["aud"] != client || c["token_use"] != "id" {
						t.Errorf("%v", c)
					}
					if c := claims(t, *set.AccessToken); c["username"] != "confirmed" || c["client_id"] != client || c["token_use"] != "access" || c["scope"] != "aws.cognito.signin.user.admin" {
						t.Errorf("%v", c)
					}
				})
			}
		}
	})
}

// startRows has what both operations say before they look at a user.
func startRows(t *testing.T, start initiator, good, elsewhere types.AuthFlowType, refused string) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		client, foreign := r.client(t, pool), r.client(t, other)
		bare := r.client(t, pool, func(in *cip.CreateUserPoolClientInput) {
			in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowCustomAuth}
		})
		confidential := r.clientOf(t, pool, withSecret)
		id, secret := *confidential.ClientId, *confidential.ClientSecret
		r.user(t, pool, "alice")
		with := func(pairs ...string) map[string]string {
			m := map[string]string{"USERNAME": "alice", "PASSWORD": password}
			for i := 0; i < len(pairs); i += 2 {
				m[pairs[i]] = pairs[i+1]
			}
			return m
		}
		unknown := "7abcdefghijklmnopqrstuvwx1"
		rows := []struct {
			name, pool, client string
			flow               types.AuthFlowType
			params             map[string]string
			want               error
		}{
			{"unknown client", pool, unknown, good, with(), noClient(unknown)},
			{"other operation's flow", pool, client, elsewhere, with(), invalid("Initiate Auth method not supported.")},
			{"flow not allowed", pool, bare, good, with(), invalid(refused)},
			{"SRP not allowed", pool, bare, types.AuthFlowTypeUserSrpAuth, with("SRP_A", "AA"), invalid("USER_SRP_AUTH is not enabled for the client.")},
			{"refresh not allowed", pool, bare, types.AuthFlowTypeRefreshTokenAuth, with("REFRESH_TOKEN", "x"), invalid("REFRESH_TOKEN_AUTH is not enabled for the client.")},
			{"custom not allowed", pool, client, types.AuthFlowTypeCustomAuth, with(), invalid("CUSTOM_AUTH is not enabled for the client.")},
			{"custom without a trigger", pool, bare, types.AuthFlowTypeCustomAuth, with(), invalid("Custom auth lambda trigger is not configured for the user pool.")},
			{"no username", pool, client, good, map[string]string{"PASSWORD": password}, invalid("Missing required parameter USERNAME")},
			{"no password", pool, client, good, map[string]string{"USERNAME": "alice"}, invalid("Missing required parameter PASSWORD")},
			{"no SRP_A", pool, client, types.AuthFlowTypeUserSrpAuth, with(), invalid("Missing required parameter SRP_A")},
			{"no refresh token", pool, client, types.AuthFlowTypeRefreshTokenAuth, with(), invalid("Missing required parameter REFRESH_TOKEN")},
			{"SRP_A of zero", pool, client, types.AuthFlowTypeUserSrpAuth, with("SRP_A", "0"), invalid("Invalid SRP_A")},
			{"SRP_A of N", pool, client, types.AuthFlowTypeUserSrpAuth, with("SRP_A", srpclient.N), invalid("Invalid SRP_A")},
			{"SRP_A of no digits", pool, client, types.AuthFlowTypeUserSrpAuth, with("SRP_A", "xyz"), invalid("Invalid SRP_A")},
			{"garbage refresh token", pool, client, types.AuthFlowTypeRefreshTokenAuth, with("REFRESH_TOKEN", "garbage"), notAuthorized("Invalid Refresh Token.")},
			{"no hash", pool, id, good, with(), notAuthorized("Client " + id + " is configured with secret but SECRET_HASH was not received")},
			{"wrong hash", pool, id, good, with("SECRET_HASH", *secretHash(secret, "bob", id)), notAuthorized("Unable to verify secret hash for client " + id)},
			{"right hash", pool, id, good, with("SECRET_HASH", *secretHash(secret, "alice", id)), nil},
			{"hash for a public client", pool, client, good, with("SECRET_HASH", *secretHash(secret, "alice", client)), notAuthorized("Unable to verify secret hash for client " + client)},
		}
		if good == types.AuthFlowTypeAdminUserPasswordAuth {
			unknownPoolRow, foreignRow, oldName := rows[0], rows[0], rows[0]
			unknownPoolRow.name, unknownPoolRow.pool, unknownPoolRow.want = "unknown pool", unknownPool, noPool(unknownPool)
			foreignRow.name, foreignRow.client, foreignRow.want = "another pool's client", foreign, noClient(foreign)
			oldName.name, oldName.client, oldName.flow, oldName.want = "the flow's old name", client, types.AuthFlowTypeAdminNoSrpAuth, nil
			rows = append(rows, unknownPoolRow, foreignRow, oldName)
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				_, err := start(t, r, row.pool, row.client, row.flow, row.params)
				wantError(t, err, row.want)
			})
		}
	})
}

// refreshTable has what REFRESH_TOKEN_AUTH says of each kind of token.
func refreshTable(t *testing.T, start initiator) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		client, second, foreign := r.client(t, pool), r.client(t, pool), r.client(t, other)
		r.user(t, pool, "alice", verified("a@example.com")...)
		r.user(t, other, "alice")
		set := r.signIn(t, client, "alice")
		bad := notAuthorized("Invalid Refresh Token.")
		for _, row := range []struct {
			name, pool, client string
			token              *string
			want               error
		}{
			{"good", pool, client, set.RefreshToken, nil},
			{"again", pool, client, set.RefreshToken, nil},
			{"access token", pool, client, set.AccessToken, bad},
			{"ID token", pool, client, set.IdToken, bad},
			{"another client", pool, second, set.RefreshToken, bad},
			{"another pool", other, foreign, set.RefreshToken, bad},
			{"damaged", pool, client, aws.String((*set.RefreshToken)[:len(*set.RefreshToken)-8] + "AAAAAAAA"), bad},
		} {
			for _, flow := range []types.AuthFlowType{types.AuthFlowTypeRefreshTokenAuth, types.AuthFlowTypeRefreshToken} {
				t.Run(row.name+" "+string(flow), func(t *testing.T) {
					out, err := start(t, r, row.pool, row.client, flow, map[string]string{"REFRESH_TOKEN": *row.token})
					wantError(t, err, row.want)
					if err != nil {
						return
					}
					a := out.AuthenticationResult
					if a.RefreshToken != nil || a.AccessToken == nil || a.IdToken == nil || *a.TokenType != "Bearer" {
						t.Errorf("%+v", a)
					}
					was, is := claims(t, *set.AccessToken), claims(t, *a.AccessToken)
					if was["origin_jti"] != is["origin_jti"] || was["auth_time"] != is["auth_time"] || was["jti"] == is["jti"] {
						t.Errorf("%v became %v", was, is)
					}
				})
			}
		}
		must[*cip.AdminResetUserPasswordOutput](t)(r.AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &pool, Username: aws.String("alice")}))
		_, err := start(t, r, pool, client, types.AuthFlowTypeRefreshTokenAuth, map[string]string{"REFRESH_TOKEN": *set.RefreshToken})
		wantError(t, err, &types.PasswordResetRequiredException{Message: aws.String("Password reset required for the user")})
	})
}

func TestInitiateAuth(t *testing.T) {
	t.Run("rows", func(t *testing.T) {
		startRows(t, public, types.AuthFlowTypeUserPasswordAuth, types.AuthFlowTypeAdminUserPasswordAuth, "USER_PASSWORD_AUTH flow not enabled for this client")
	})
	t.Run("password", func(t *testing.T) { passwordTable(t, public, types.AuthFlowTypeUserPasswordAuth) })
	t.Run("refresh", func(t *testing.T) { refreshTable(t, public) })
	t.Run("names", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			plain, aliases, addresses := r.pool(t), r.pool(t, byAlias), r.pool(t, byAddress)
			clients := map[string]string{plain: r.client(t, plain), aliases: r.client(t, aliases), addresses: r.client(t, addresses)}
			sub := r.user(t, plain, "alice", verified("a@example.com")...)
			r.user(t, aliases, "alice", append(verified("a@example.com"), "phone_number", "+12065550100", "preferred_username", "ally")...)
			byEmail := r.user(t, addresses, "a@example.com")
			for _, row := range []struct {
				pool, name string
				want       error
			}{
				{plain, "alice", nil}, {plain, "Alice", noUser()}, {plain, sub, noUser()}, {plain, "a@example.com", noUser()},
				{aliases, "alice", nil}, {aliases, "a@example.com", nil}, {aliases, "ally", nil}, {aliases, "+12065550100", noUser()},
				{addresses, "a@example.com", nil}, {addresses, byEmail, nil}, {addresses, "alice", noUser()},
			} {
				_, err := r.trySignIn(t, clients[row.pool], row.name, password)
				t.Run(row.name, func(t *testing.T) { wantError(t, err, row.want) })
			}
		})
	})
	t.Run("lock-out", func(t *testing.T) {
		alone(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			r.user(t, pool, "bob")
			for range 5 {
				_, err := r.trySignIn(t, client, "alice", otherPassword)
				wantError(t, err, incorrect())
			}
			for lock := time.Second; lock < 2*time.Minute; lock *= 2 { // A lock of a second is over before a slow machine meets it.
				r.pass(lock)
				_, err := r.trySignIn(t, client, "alice", otherPassword)
				wantError(t, err, incorrect())
			}
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, notAuthorized("Password attempts exceeded"))
			r.signIn(t, client, "bob")
			must[*cip.AdminSetUserPasswordOutput](t)(r.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: aws.String("alice"), Password: aws.String(password), Permanent: true}))
			r.signIn(t, client, "alice")
		})
	})
}

func TestAdminInitiateAuth(t *testing.T) {
	t.Run("rows", func(t *testing.T) {
		startRows(t, admin, types.AuthFlowTypeAdminUserPasswordAuth, types.AuthFlowTypeUserPasswordAuth, "Auth flow not enabled for this client")
	})
	t.Run("password", func(t *testing.T) { passwordTable(t, admin, types.AuthFlowTypeAdminUserPasswordAuth) })
	t.Run("refresh", func(t *testing.T) { refreshTable(t, admin) })
}

// responder is one of the two operations that answer a challenge.
type responder func(t *testing.T, r rig, pool, client string, name types.ChallengeNameType, session *string, responses map[string]string) (*cip.RespondToAuthChallengeOutput, error)

func publicly(t *testing.T, r rig, _, client string, name types.ChallengeNameType, session *string, responses map[string]string) (*cip.RespondToAuthChallengeOutput, error) {
	return r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{ClientId: &client, ChallengeName: name, Session: session, ChallengeResponses: responses})
}

func byAdmin(t *testing.T, r rig, pool, client string, name types.ChallengeNameType, session *string, responses map[string]string) (*cip.RespondToAuthChallengeOutput, error) {
	out, err := r.AdminRespondToAuthChallenge(t.Context(), &cip.AdminRespondToAuthChallengeInput{UserPoolId: &pool, ClientId: &client, ChallengeName: name, Session: session, ChallengeResponses: responses})
	if err != nil {
		return nil, err
	}
	return &cip.RespondToAuthChallengeOutput{ChallengeName: out.ChallengeName, Session: out.Session, AuthenticationResult: out.AuthenticationResult}, nil
}

func respondTables(t *testing.T, start initiator, flow types.AuthFlowType, respond responder) {
	t.Run("new password", func(t *testing.T) { newPasswords(t, start, flow, respond) })
	t.Run("SRP", func(t *testing.T) { srpTable(t, start, respond) })
}

// newPasswords follows NEW_PASSWORD_REQUIRED through its errors to its end.
func newPasswords(t *testing.T, start initiator, flow types.AuthFlowType, respond responder) {
	const challenge = types.ChallengeNameTypeNewPasswordRequired
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t, func(in *cip.CreateUserPoolInput) {
			in.Schema = []types.SchemaAttributeType{{Name: aws.String("family_name"), Required: aws.Bool(true)}, {Name: aws.String("given_name"), Required: aws.Bool(true)}}
		}), r.pool(t)
		client, second, foreign := r.client(t, pool), r.client(t, pool), r.client(t, other)
		r.invited(t, pool, "alice", "given_name", "Alice")
		r.user(t, pool, "bob", "family_name", "B", "given_name", "B")
		out := must[*cip.InitiateAuthOutput](t)(start(t, r, pool, client, flow, map[string]string{"USERNAME": "alice", "PASSWORD": password}))
		p := out.ChallengeParameters
		if p["USER_ID_FOR_SRP"] != "alice" || p["requiredAttributes"] != `["userAttributes.family_name"]` || !strings.Contains(p["userAttributes"], `"given_name":"Alice"`) || strings.Contains(p["userAttributes"], "sub") {
			t.Errorf("%v", p)
		}
		good := map[string]string{"USERNAME": "alice", "NEW_PASSWORD": otherPassword, "userAttributes.family_name": "Doe"}
		with := func(pairs ...string) map[string]string {
			m := maps.Clone(good)
			for i := 0; i < len(pairs); i += 2 {
				m[pairs[i]] = pairs[i+1]
			}
			maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
			return m
		}
		session := *out.Session
		bad := notAuthorized("Invalid session for the user.")
		for _, row := range []struct {
			name, pool, client string
			challenge          types.ChallengeNameType
			session            *string
			responses          map[string]string
			want               error
		}{
			{"no username", pool, client, challenge, &session, with("USERNAME", ""), invalid("Missing required parameter USERNAME")},
			{"no session", pool, client, challenge, nil, good, invalid("Missing required parameter Session")},
			{"garbage session", pool, client, challenge, aws.String(strings.Repeat("A", 40)), good, bad},
			{"damaged session", pool, client, challenge, aws.String(session[:len(session)-8] + "AAAAAAAA"), good, bad},
			{"another client", pool, second, challenge, &session, good, bad},
			{"another pool", other, foreign, challenge, &session, good, bad},
			{"another user", pool, client, challenge, &session, with("USERNAME", "bob"), bad},
			{"another challenge", pool, client, types.ChallengeNameTypeSmsMfa, &session, with("SMS_MFA_CODE", "123456"), bad},
			{"no new password", pool, client, challenge, &session, with("NEW_PASSWORD", ""), invalid("Invalid attributes given, new password should be given with key NEW_PASSWORD.")},
			{"missing attribute", pool, client, challenge, &session, with("userAttributes.family_name", ""), invalid("Invalid attributes given, family_name is missing")},
			{"filled attribute", pool, client, challenge, &session, with("userAttributes.given_name", "Mallory"), notAuthorized("Cannot modify an already provided given_name")},
			{"filled attribute unchanged", pool, client, challenge, &session, with("userAttributes.given_name", "Alice"), notAuthorized("Cannot modify an already provided given_name")},
			{"flag", pool, client, challenge, &session, with("userAttributes.email_verified", "true"), notAuthorized("A client attempted to write unauthorized attribute")},
			{"policy", pool, client, challenge, &session, with("NEW_PASSWORD", "simple"), badPassword("Password does not conform to policy: Password not long enough")},
			{"unknown client", pool, "7abcdefghijklmnopqrstuvwx1", challenge, &session, good, noClient("7abcdefghijklmnopqrstuvwx1")},
			{"good", pool, client, challenge, &session, good, nil},
			{"good again", pool, client, challenge, &session, good, notAuthorized("Invalid session for the user, session can only be used once.")},
		} {
			t.Run(row.name, func(t *testing.T) {
				out, err := respond(t, r, row.pool, row.client, row.challenge, row.session, row.responses)
				wantError(t, err, row.want)
				if err == nil && (out.AuthenticationResult == nil || out.AuthenticationResult.RefreshToken == nil) {
					t.Errorf("%+v", out)
				}
			})
		}
		u := r.find(t, pool, "alice")
		got := valuesOf(u.UserAttributes)
		delete(got, "sub")
		if d := cmp.Diff(map[string]string{"given_name": "Alice", "family_name": "Doe"}, got); d != "" || u.UserStatus != types.UserStatusTypeConfirmed {
			t.Errorf("%s (-want +got)\n%s", u.UserStatus, d)
		}
		must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword))
	})
}

// srpTable follows USER_SRP_AUTH with a client written from the formulas.
func srpTable(t *testing.T, start initiator, respond responder) {
	const challenge = types.ChallengeNameTypePasswordVerifier
	each(t, func(t *testing.T, r rig) {
		pool, addresses := r.pool(t), r.pool(t, byAddress)
		client, shy, inAddresses := r.client(t, pool), r.client(t, pool, hiding), r.client(t, addresses)
		r.user(t, pool, "alice")
		r.user(t, pool, "bob")
		r.invited(t, pool, "carol")
		sub := r.user(t, addresses, "a@example.com")
		begin := func(pool, client, user string) (*srpclient.Client, map[string]string) {
			t.Helper()
			p := srpclient.New(pool)
			out := must[*cip.InitiateAuthOutput](t)(start(t, r, pool, client, types.AuthFlowTypeUserSrpAuth, map[string]string{"USERNAME": user, "SRP_A": p.Public()}))
			if out.ChallengeName != challenge || out.Session != nil || len(out.ChallengeParameters["SALT"]) != 32 {
				t.Fatalf("%+v", out)
			}
			return p, out.ChallengeParameters
		}
		p, params := begin(pool, client, "alice")
		right := p.Prove(params, password, time.Now())
		stolen := maps.Clone(right)
		stolen["USERNAME"] = "bob"
		late := maps.Clone(right)
		late["TIMESTAMP"] = "Thu Jan 1 00:00:00 UTC 2026"
		foreign := maps.Clone(right)
		foreign["TIMESTAMP"] = "2026-01-01T00:00:00Z"
		_, err := respond(t, r, pool, client, challenge, nil, stolen)
		wantType[*types.NotAuthorizedException](t, err)
		_, err = respond(t, r, pool, client, challenge, nil, late)
		wantError(t, err, incorrect())
		_, err = respond(t, r, pool, client, challenge, nil, foreign)
		wantError(t, err, invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."))
		out := must[*cip.RespondToAuthChallengeOutput](t)(respond(t, r, pool, client, challenge, nil, right))
		if out.AuthenticationResult == nil {
			t.Errorf("%+v", out)
		}
		_, err = respond(t, r, pool, client, challenge, nil, right)
		wantType[*types.NotAuthorizedException](t, err) // A block is spent once.

		p, params = begin(pool, client, "alice")
		_, err = respond(t, r, pool, client, challenge, nil, p.Prove(params, otherPassword, time.Now()))
		wantError(t, err, incorrect())
		p, params = begin(pool, client, "carol")
		if out := must[*cip.RespondToAuthChallengeOutput](t)(respond(t, r, pool, client, challenge, nil, p.Prove(params, password, time.Now()))); out.ChallengeName != types.ChallengeNameTypeNewPasswordRequired {
			t.Errorf("%+v", out)
		}
		p, params = begin(addresses, inAddresses, "a@example.com")
		if params["USERNAME"] != sub || params["USER_ID_FOR_SRP"] != sub {
			t.Errorf("%v", params)
		}
		if out := must[*cip.RespondToAuthChallengeOutput](t)(respond(t, r, addresses, inAddresses, challenge, nil, p.Prove(params, password, time.Now()))); out.AuthenticationResult == nil {
			t.Errorf("%+v", out)
		}

		// Nobody looks like somebody, always the same, until the proof fails.
		_, err = start(t, r, pool, client, types.AuthFlowTypeUserSrpAuth, map[string]string{"USERNAME": "nobody", "SRP_A": "AA"})
		wantError(t, err, noUser())
		p, params = begin(pool, shy, "nobody")
		_, again := begin(pool, shy, "nobody")
		if params["SALT"] != again["SALT"] || params["USER_ID_FOR_SRP"] != again["USER_ID_FOR_SRP"] || params["SRP_B"] == again["SRP_B"] {
			t.Errorf("%v\n%v", params, again)
		}
		_, err = respond(t, r, pool, shy, challenge, nil, p.Prove(params, password, time.Now()))
		wantError(t, err, incorrect())
	})
}

func TestRespondToAuthChallenge(t *testing.T) {
	respondTables(t, public, types.AuthFlowTypeUserPasswordAuth, publicly)
}

func TestAdminRespondToAuthChallenge(t *testing.T) {
	respondTables(t, admin, types.AuthFlowTypeAdminUserPasswordAuth, byAdmin)
}

func TestGetTokensFromRefreshToken(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		rotating := func(grace int32) func(in *cip.CreateUserPoolClientInput) {
			return func(in *cip.CreateUserPoolClientInput) {
				in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth}
				in.RefreshTokenRotation = &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled, RetryGracePeriodSeconds: aws.Int32(grace)}
			}
		}
		plain, strict, lenient, foreign := r.client(t, pool), r.client(t, pool, rotating(0)), r.client(t, pool, rotating(60)), r.client(t, other)
		confidential := r.clientOf(t, pool, withSecret)
		r.user(t, pool, "alice")
		get := func(client string, token, secret *string) (*types.AuthenticationResultType, error) {
			out, err := r.GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{ClientId: &client, RefreshToken: token, ClientSecret: secret})
			if err != nil {
				return nil, err
			}
			return out.AuthenticationResult, nil
		}
		bad, unknown := notAuthorized("Invalid Refresh Token."), "7abcdefghijklmnopqrstuvwx1"
		set := r.signIn(t, plain, "alice")
		for _, row := range []struct {
			name, client string
			token        *string
			want         error
		}{
			{"good", plain, set.RefreshToken, nil},
			{"again", plain, set.RefreshToken, nil},
			{"garbage", plain, aws.String("garbage"), bad},
			{"access token", plain, set.AccessToken, bad},
			{"another client", strict, set.RefreshToken, bad},
			{"another pool", foreign, set.RefreshToken, bad},
			{"unknown client", unknown, set.RefreshToken, noClient(unknown)},
		} {
			t.Run(row.name, func(t *testing.T) {
				out, err := get(row.client, row.token, nil)
				wantError(t, err, row.want)
				if err == nil && (out.RefreshToken != nil || out.AccessToken == nil || out.IdToken == nil) {
					t.Errorf("%+v", out)
				}
			})
		}
		t.Run("rotation", func(t *testing.T) {
			reused := &types.RefreshTokenReuseException{Message: aws.String("Refresh token has been invalidated by rotation.")}
			first := r.signIn(t, strict, "alice")
			second, err := get(strict, first.RefreshToken, nil)
			if err != nil || second.RefreshToken == nil || *second.RefreshToken == *first.RefreshToken {
				t.Fatalf("%+v, %v", second, err)
			}
			_, err = get(strict, first.RefreshToken, nil)
			wantError(t, err, reused)
			_, err = get(strict, second.RefreshToken, nil) // The family lives on.
			wantError(t, err, nil)
			_, err = r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &strict, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": *second.RefreshToken}})
			wantError(t, err, &types.UnsupportedOperationException{Message: aws.String("Refresh token rotation is enabled for the client; use GetTokensFromRefreshToken.")})
			first = r.signIn(t, lenient, "alice")
			for range 2 { // In the grace period.
				_, err = get(lenient, first.RefreshToken, nil)
				wantError(t, err, nil)
			}
		})
		t.Run("secret", func(t *testing.T) {
			id, secret := *confidential.ClientId, *confidential.ClientSecret
			out := must[*cip.InitiateAuthOutput](t)(r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &id, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
				AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password, "SECRET_HASH": *secretHash(secret, "alice", id)}}))
			token := out.AuthenticationResult.RefreshToken
			for given, want := range map[string]error{"": notAuthorized("Invalid client secret"), "0123456789012345678901234": notAuthorized("Invalid client secret"), secret: nil} {
				var s *string
				if given != "" {
					s = &given
				}
				_, err := get(id, token, s)
				wantError(t, err, want)
			}
			for hash, want := range map[string]error{"x": notAuthorized("SecretHash does not match for the client: " + id), *secretHash(secret, "alice", id): nil} {
				_, err := r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &id, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": *token, "SECRET_HASH": hash}})
				wantError(t, err, want)
			}
		})
		must[*cip.AdminDeleteUserOutput](t)(r.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: aws.String("alice")}))
		_, err := get(plain, set.RefreshToken, nil)
		wantError(t, err, noUser())
	})
}
