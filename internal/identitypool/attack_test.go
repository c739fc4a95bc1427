package identitypool_test

import (
	"testing"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"cognate/test/serving"
)

const cognito = "cognito-identity.amazonaws.com"

// TestTokensOfIdentitiesAsLogins: a guest's own token proves no person, and a token that was made
// by another token is not valid for longer.
func TestTokensOfIdentitiesAsLogins(t *testing.T) {
	t.Parallel()
	production(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool := r.pool(t)
		r.setRoles(t, pool, r.role(t, "people", trust(pool, "authenticated"), statement(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`)),
			r.role(t, "guests", trust(pool, "unauthenticated"), statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)))
		guest := r.id(t, pool, nil)
		out, err := r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest})
		logins := map[string]string{cognito: *serving.Must(t, out, err).Token}
		const refused, text = "NotAuthorizedException", "Can't pass in a Cognito token."
		r.wantNoCredentials(t, guest, logins, refused, text)
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest, Logins: logins})
		wantText(t, err, refused, text)
		_, err = r.sdk.UnlinkIdentity(ctx, &ci.UnlinkIdentityInput{IdentityId: &guest, Logins: logins, LoginsToRemove: []string{cognito}})
		wantText(t, err, refused, text)

		made, err := r.sdk.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: &pool, Logins: map[string]string{developer: "ada"}, TokenDuration: new(int64(300)),
		})
		id := *serving.Must(t, made, err).IdentityId
		logins = map[string]string{cognito: *made.Token}
		_, claims := r.open(t, id, logins)
		if first := claimsOf(t, *made.Token)["exp"]; claims["exp"] != first {
			t.Errorf("the second token ends at %v, the first at %v", claims["exp"], first)
		}
		r.credentials(t, id, logins)
		r.pass(6 * time.Minute)
		r.wantNoCredentials(t, id, logins, refused, "Token expired")
	})
}
