package ops_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// spoiled are access tokens that must not be taken, made once for each server:
// whatever is asked with them changes nothing, and a pool's first token costs an
// RSA key.
type spoiled struct {
	good  string
	bad   map[string]string
	ended string // the pool that was deleted
}

var spoils struct {
	sync.Mutex
	of map[string]*spoiled // by the server's URL
}

func (r rig) spoiled(t *testing.T) *spoiled {
	t.Helper()
	spoils.Lock()
	defer spoils.Unlock()
	if s := spoils.of[r.url]; s != nil {
		return s
	}
	pool, ended := r.pool(t), r.pool(t)
	client, deleted, inEnded := r.client(t, pool), r.client(t, pool), r.client(t, ended)
	r.user(t, pool, "alice")
	r.user(t, ended, "alice")
	set := r.signIn(t, client, "alice")
	access := *set.AccessToken
	s := &spoiled{good: access, ended: ended, bad: map[string]string{
		"garbage": "garbage", "three parts of garbage": "a.b.c", "ID token": *set.IdToken, "refresh token": *set.RefreshToken,
		"damaged signature": access[:len(access)-4] + "AAAA", "no signature": access[:len(access)-342],
		"deleted client": *r.signIn(t, deleted, "alice").AccessToken, "deleted pool": *r.signIn(t, inEnded, "alice").AccessToken,
	}}
	for _, name := range []string{"deleted user", "disabled user", "signed out"} {
		username := strings.ReplaceAll(name, " ", "-")
		r.user(t, pool, username)
		s.bad[name] = *r.signIn(t, client, username).AccessToken
	}
	must[*cip.DeleteUserPoolClientOutput](t)(r.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: &deleted}))
	must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &ended}))
	must[*cip.AdminDeleteUserOutput](t)(r.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: aws.String("deleted-user")}))
	wantError(t, disable(t, r, pool, "disabled-user"), nil)
	must[*cip.AdminUserGlobalSignOutOutput](t)(r.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &pool, Username: aws.String("signed-out")}))
	if spoils.of == nil {
		spoils.of = map[string]*spoiled{}
	}
	spoils.of[r.url] = s
	return s
}

// badTokens has the rows that are the same for every operation that an access
// token authorizes. gone is the answer for a user who was deleted.
func badTokens(t *testing.T, gone error, call func(t *testing.T, r rig, token string) error) {
	each(t, func(t *testing.T, r rig) {
		s := r.spoiled(t)
		for name, token := range s.bad {
			t.Run(name, func(t *testing.T) {
				err := call(t, r, token)
				switch name {
				case "deleted pool": // The service is not known to give one of the two alone.
					wantEither(t, err, noPool(s.ended), notAuthorized("Invalid Access Token"))
				case "deleted user":
					wantError(t, err, gone)
				case "disabled user":
					wantError(t, err, notAuthorized("User is disabled."))
				case "signed out":
					wantError(t, err, notAuthorized("Access Token has been revoked"))
				default:
					wantError(t, err, notAuthorized("Invalid Access Token"))
				}
			})
		}
		if _, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: &s.good}); err != nil {
			t.Errorf("the good token was spoiled: %v", err)
		}
	})
}

func TestGlobalSignOut(t *testing.T) {
	signOut := func(t *testing.T, r rig, token string) error {
		_, err := r.GlobalSignOut(t.Context(), &cip.GlobalSignOutInput{AccessToken: &token})
		return err
	}
	badTokens(t, notAuthorized("Invalid Access Token"), signOut) // UserNotFoundException is not declared.
	t.Run("revokes", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			r.user(t, pool, "bob")
			first, second, bob := r.signIn(t, client, "alice"), r.signIn(t, client, "alice"), r.signIn(t, client, "bob")
			wantError(t, signOut(t, r, *first.AccessToken), nil)
			for _, set := range []*types.AuthenticationResultType{first, second} {
				wantError(t, signOut(t, r, *set.AccessToken), notAuthorized("Access Token has been revoked"))
				wantError(t, r.refresh(t, client, set), notAuthorized("Refresh Token has been revoked"))
			}
			wantError(t, r.refresh(t, client, bob), nil)
			again := r.signIn(t, client, "alice")
			wantError(t, r.refresh(t, client, again), nil)
			wantError(t, signOut(t, r, *again.AccessToken), nil)
		})
	})
}

func TestRevokeToken(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		client, second, foreign := r.client(t, pool), r.client(t, pool), r.client(t, other)
		confidential := r.clientOf(t, pool, withSecret)
		never := r.client(t, pool, func(in *cip.CreateUserPoolClientInput) { in.EnableTokenRevocation = aws.Bool(false) })
		r.user(t, pool, "alice")
		revoke := func(client, token string, secret *string) error {
			_, err := r.RevokeToken(t.Context(), &cip.RevokeTokenInput{ClientId: &client, Token: &token, ClientSecret: secret})
			return err
		}
		set, kept := r.signIn(t, client, "alice"), r.signIn(t, client, "alice")
		secretSet := must[*cip.InitiateAuthOutput](t)(r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			ClientId: confidential.ClientId, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{
				"USERNAME": "alice", "PASSWORD": password, "SECRET_HASH": *secretHash(*confidential.ClientSecret, "alice", *confidential.ClientId)},
		})).AuthenticationResult
		unsupported := &types.UnsupportedTokenTypeException{Message: aws.String("Unsupported token type")}
		unauthorized := &types.UnauthorizedException{Message: aws.String("Invalid client credentials")}
		rows := []struct {
			name, client, token string
			secret              *string
			want                error
		}{
			{"access token", client, *set.AccessToken, nil, unsupported},
			{"ID token", client, *set.IdToken, nil, unsupported},
			{"garbage", client, "garbage", nil, nil},
			{"another client's", second, *set.RefreshToken, nil, nil},
			{"another pool's", foreign, *set.RefreshToken, nil, nil},
			{"unknown client", "unknown", *set.RefreshToken, nil, nil},
			{"no secret", *confidential.ClientId, *secretSet.RefreshToken, nil, unauthorized},
			{"wrong secret", *confidential.ClientId, *secretSet.RefreshToken, aws.String("0123456789012345678901234"), unauthorized},
			{"revocation is off", never, *r.signIn(t, never, "alice").RefreshToken, nil, &types.UnsupportedOperationException{Message: aws.String("Revocation is not enabled for the client")}},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				err := revoke(row.client, row.token, row.secret)
				if row.name == "unknown client" { // ResourceNotFoundException is not declared.
					if err == nil {
						t.Error("an unknown client revoked")
					}
					return
				}
				wantError(t, err, row.want)
			})
		}
		wantError(t, r.refresh(t, client, set), nil) // None of these did anything.
		for range 2 {
			wantError(t, revoke(client, *set.RefreshToken, nil), nil)
		}
		wantError(t, r.refresh(t, client, set), notAuthorized("Refresh Token has been revoked"))
		_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
		wantError(t, err, notAuthorized("Access Token has been revoked"))
		wantError(t, r.refresh(t, client, kept), nil)
		must[*cip.GetUserOutput](t)(r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: kept.AccessToken}))
		wantError(t, revoke(*confidential.ClientId, *secretSet.RefreshToken, confidential.ClientSecret), nil)
		_, err = r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: secretSet.AccessToken})
		wantError(t, err, notAuthorized("Access Token has been revoked"))
	})
}

// TestLifetimes moves the clock past what each token and code lives.
func TestLifetimes(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool, func(in *cip.CreateUserPoolClientInput) {
			in.AccessTokenValidity, in.RefreshTokenValidity = aws.Int32(5), 60
			in.TokenValidityUnits = &types.TokenValidityUnitsType{AccessToken: types.TimeUnitsTypeMinutes, RefreshToken: types.TimeUnitsTypeMinutes}
		})
		r.user(t, pool, "alice", verified("a@example.com")...)
		r.invited(t, pool, "bob")
		set := r.signIn(t, client, "alice")
		challenge := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "bob", password))
		r.signUp(t, client, "carol", "email", "c@example.com")
		code := r.code(t, pool, "carol")
		must[*cip.ForgotPasswordOutput](t)(r.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &client, Username: aws.String("alice")}))
		reset := r.code(t, pool, "alice")

		r.pass(3 * time.Minute)
		_, err := r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
			ClientId: &client, ChallengeName: types.ChallengeNameTypeNewPasswordRequired, Session: challenge.Session,
			ChallengeResponses: map[string]string{"USERNAME": "bob", "NEW_PASSWORD": otherPassword},
		})
		wantError(t, err, notAuthorized("Invalid session for the user, session is expired."))
		must[*cip.GetUserOutput](t)(r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken}))
		r.pass(2 * time.Minute)
		_, err = r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
		wantError(t, err, notAuthorized("Access Token has expired"))
		wantError(t, r.refresh(t, client, set), nil)

		expired := &types.ExpiredCodeException{Message: aws.String("Invalid code provided, please request a code again.")}
		r.pass(55 * time.Minute)
		wantError(t, r.refresh(t, client, set), notAuthorized("Refresh Token has expired"))
		_, err = r.ConfirmForgotPassword(t.Context(), &cip.ConfirmForgotPasswordInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: &reset, Password: aws.String(otherPassword)})
		wantError(t, err, expired)

		r.pass(23 * time.Hour)
		_, err = r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("carol"), ConfirmationCode: &code})
		wantError(t, err, expired)

		r.pass(6 * 24 * time.Hour)
		_, err = r.trySignIn(t, client, "bob", password)
		wantError(t, err, notAuthorized("Temporary password has expired and must be reset by an administrator."))
		must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
			UserPoolId: &pool, Username: aws.String("bob"), MessageAction: types.MessageActionTypeResend, TemporaryPassword: aws.String(password)}))
		must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "bob", password))
	})
}
