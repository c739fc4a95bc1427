package identitypool_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idptypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cognate/test/serving"
)

// TestIdentityPools is the life of a pool, as an infrastructure tool sees it.
func TestIdentityPools(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		made, err := r.sdk.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{
			IdentityPoolName: new("people"), AllowUnauthenticatedIdentities: true, DeveloperProviderName: new(developer),
			SupportedLoginProviders:  map[string]string{"accounts.google.com": "123.apps.googleusercontent.com"},
			CognitoIdentityProviders: []types.CognitoIdentityProvider{{ProviderName: new(r.key()), ClientId: &r.client, ServerSideTokenCheck: new(true)}},
			IdentityPoolTags:         map[string]string{"a": "1"},
		})
		serving.Must(t, made, err)
		id := *made.IdentityPoolId
		if !strings.HasPrefix(id, "us-east-1:") || *made.AllowClassicFlow {
			t.Errorf("%+v", made)
		}
		describe := func() *ci.DescribeIdentityPoolOutput {
			t.Helper()
			out, err := r.sdk.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: &id})
			return serving.Must(t, out, err)
		}
		if diff := cmp.Diff((*ci.DescribeIdentityPoolOutput)(made), describe(), cmpopts.IgnoreUnexported(types.CognitoIdentityProvider{}), cmpopts.IgnoreFields(ci.DescribeIdentityPoolOutput{}, "ResultMetadata"), cmpopts.IgnoreUnexported(ci.DescribeIdentityPoolOutput{})); diff != "" {
			t.Errorf("the pool reads back differently:\n%s", diff)
		}
		// What the update leaves out is cleared, but for the developer provider and the tags.
		_, err = r.sdk.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{IdentityPoolId: &id, IdentityPoolName: new("others"), AllowClassicFlow: new(true)})
		serving.Want(t, err, "")
		got := describe()
		if *got.IdentityPoolName != "others" || got.AllowUnauthenticatedIdentities || !*got.AllowClassicFlow || got.SupportedLoginProviders != nil ||
			got.CognitoIdentityProviders != nil || *got.DeveloperProviderName != developer || got.IdentityPoolTags["a"] != "1" {
			t.Errorf("%+v", got)
		}
		_, err = r.sdk.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{IdentityPoolId: &id, IdentityPoolName: new("others"), DeveloperProviderName: new("another")})
		serving.Want(t, err, "InvalidParameterException")

		var names []string
		second := r.pool(t)
		pages := ci.NewListIdentityPoolsPaginator(r.sdk, &ci.ListIdentityPoolsInput{MaxResults: new(int32(1))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			for _, p := range serving.Must(t, page, err).IdentityPools {
				names = append(names, *p.IdentityPoolId)
			}
		}
		if !slices.Equal(names, []string{id, second}) {
			t.Errorf("listed %v", names)
		}
		for name, change := range map[string]func(in *ci.CreateIdentityPoolInput){
			"unknown social provider": func(in *ci.CreateIdentityPoolInput) {
				in.SupportedLoginProviders = map[string]string{"example.com": "x"}
			},
			"malformed ARN": func(in *ci.CreateIdentityPoolInput) {
				in.OpenIdConnectProviderARNs = []string{"arn:aws:iam::123456789012:role/example"}
			},
			"reserved tag": func(in *ci.CreateIdentityPoolInput) { in.IdentityPoolTags = map[string]string{"aws:x": "y"} },
			"no client": func(in *ci.CreateIdentityPoolInput) {
				in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ProviderName: new(r.key())}}
			},
		} {
			in := &ci.CreateIdentityPoolInput{IdentityPoolName: new("bad")}
			change(in)
			if _, err := r.sdk.CreateIdentityPool(ctx, in); serving.Code(err) != "InvalidParameterException" {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = r.sdk.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: new("pool#name")})
		wantText(t, err, "ValidationException", "'identityPoolName' failed to satisfy constraint")

		guest := r.id(t, second, nil)
		_, err = r.sdk.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &second})
		serving.Want(t, err, "")
		_, err = r.sdk.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: &second})
		wantText(t, err, "ResourceNotFoundException", "IdentityPool '"+second+"' not found.")
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest})
		wantText(t, err, "ResourceNotFoundException", "Identity '"+guest+"' not found.")
		_, err = r.sdk.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &second})
		serving.Want(t, err, "ResourceNotFoundException")
	})
}

// TestRoles sets the roles of a pool and reads them back.
func TestRoles(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, id := t.Context(), r.pool(t)
		get := func() *ci.GetIdentityPoolRolesOutput {
			t.Helper()
			out, err := r.sdk.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: &id})
			return serving.Must(t, out, err)
		}
		if got := get(); got.Roles == nil || len(got.Roles) > 0 || got.RoleMappings != nil {
			t.Errorf("%+v", got)
		}
		roles := map[string]string{"authenticated": authRole, "unauthenticated": guestRole}
		mappings := map[string]types.RoleMapping{
			r.key() + ":" + r.client: {Type: "Token", AmbiguousRoleResolution: "Deny"},
			"accounts.google.com": {Type: "Rules", AmbiguousRoleResolution: "AuthenticatedRole", RulesConfiguration: &types.RulesConfigurationType{
				Rules: []types.MappingRule{{Claim: new("hd"), MatchType: "Equals", Value: new("example.com"), RoleARN: new(authRole)}},
			}},
		}
		_, err := r.sdk.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &id, Roles: roles, RoleMappings: mappings})
		serving.Want(t, err, "")
		got := get()
		if diff := cmp.Diff(mappings, got.RoleMappings, cmpopts.IgnoreUnexported(types.RoleMapping{}, types.RulesConfigurationType{}, types.MappingRule{})); diff != "" || !maps.Equal(got.Roles, roles) {
			t.Errorf("%v\n%s", got.Roles, diff)
		}
		for name, in := range map[string]*ci.SetIdentityPoolRolesInput{
			"malformed ARN": {IdentityPoolId: &id, Roles: map[string]string{"authenticated": "arn:aws:iam::123456789012:user/x"}},
			"no rules":      {IdentityPoolId: &id, Roles: roles, RoleMappings: map[string]types.RoleMapping{"x": {Type: "Rules", AmbiguousRoleResolution: "Deny"}}},
			"no resolution": {IdentityPoolId: &id, Roles: roles, RoleMappings: map[string]types.RoleMapping{"x": {Type: "Token"}}},
		} {
			if _, err := r.sdk.SetIdentityPoolRoles(ctx, in); serving.Code(err) != "InvalidParameterException" {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = r.sdk.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &id, Roles: map[string]string{"other": authRole}})
		serving.Want(t, err, "ValidationException")
		// An infrastructure tool clears the roles so.
		_, err = r.sdk.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &id, Roles: map[string]string{}, RoleMappings: map[string]types.RoleMapping{}})
		serving.Want(t, err, "")
		if got := get(); len(got.Roles) > 0 || got.RoleMappings != nil {
			t.Errorf("%+v", got)
		}
	})
}

// TestTags tags a pool, and sets the tags of sessions.
func TestTags(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, id := t.Context(), r.pool(t)
		arn := "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/" + id
		_, err := r.sdk.TagResource(ctx, &ci.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}})
		serving.Want(t, err, "")
		_, err = r.sdk.UntagResource(ctx, &ci.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}})
		serving.Want(t, err, "")
		out, err := r.sdk.ListTagsForResource(ctx, &ci.ListTagsForResourceInput{ResourceArn: &arn})
		if got := serving.Must(t, out, err).Tags; !maps.Equal(got, map[string]string{"b": "2"}) {
			t.Errorf("tags %v", got)
		}
		for _, bad := range []string{"arn:aws:cognito-identity:us-east-1:123456789012:userpool/" + id, "arn:aws:cognito-idp:us-east-1:123456789012:identitypool/" + id} {
			_, err = r.sdk.ListTagsForResource(ctx, &ci.ListTagsForResourceInput{ResourceArn: &bad})
			serving.Want(t, err, "InvalidParameterException")
		}
		other := strings.Replace(arn, "123456789012", "210987654321", 1)
		_, err = r.sdk.TagResource(ctx, &ci.TagResourceInput{ResourceArn: &other, Tags: map[string]string{"a": "1"}})
		serving.Want(t, err, "ResourceNotFoundException")

		get := func() *ci.GetPrincipalTagAttributeMapOutput {
			t.Helper()
			out, err := r.sdk.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{IdentityPoolId: &id, IdentityProviderName: new(r.key())})
			return serving.Must(t, out, err)
		}
		if got := get(); !*got.UseDefaults || len(got.PrincipalTags) > 0 {
			t.Errorf("%+v", got)
		}
		tags := map[string]string{"department": "custom:department"}
		set, err := r.sdk.SetPrincipalTagAttributeMap(ctx, &ci.SetPrincipalTagAttributeMapInput{IdentityPoolId: &id, IdentityProviderName: new(r.key()), PrincipalTags: tags})
		if serving.Must(t, set, err); *set.UseDefaults || !maps.Equal(set.PrincipalTags, tags) {
			t.Errorf("%+v", set)
		}
		if got := get(); *got.UseDefaults || !maps.Equal(got.PrincipalTags, tags) {
			t.Errorf("%+v", got)
		}
		_, err = r.sdk.SetPrincipalTagAttributeMap(ctx, &ci.SetPrincipalTagAttributeMapInput{IdentityPoolId: &id, IdentityProviderName: new(r.key()), PrincipalTags: map[string]string{"aws:x": "y"}})
		serving.Want(t, err, "InvalidParameterException")
	})
}

// TestGuests: a guest has an identity, as long as the pool allows guests.
func TestGuests(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		id := r.id(t, pool, nil)
		if other := r.id(t, pool, nil); other == id || !strings.HasPrefix(id, "us-east-1:") {
			t.Errorf("identities %s and %s", id, other)
		}
		got, claims := r.open(t, id, nil)
		issued, _ := claims["iat"].(float64)
		if got != id || claims["sub"] != id || claims["aud"] != pool || claims["exp"] != issued+600 || claims["iss"] != r.URL()+"/cognito-identity" && !strings.HasSuffix(claims["iss"].(string), "/cognito-identity") {
			t.Errorf("%s %v", got, claims)
		}
		if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["unauthenticated"]` {
			t.Errorf("amr %s", amr)
		}
		closed := r.pool(t, func(in *ci.CreateIdentityPoolInput) {
			in.AllowUnauthenticatedIdentities, in.AllowClassicFlow = false, nil
		})
		_, err := r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &closed})
		wantText(t, err, "NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.")
		own := r.id(t, closed, r.logins(t, "ada"))
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &own})
		wantText(t, err, "InvalidParameterException", "Basic (classic) flow is not enabled, please use enhanced flow.")
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, AccountId: new("210987654321")})
		serving.Want(t, err, "ResourceNotFoundException")
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: new("us-east-1:00000000-0000-4000-8000-000000000000")})
		wantText(t, err, "ResourceNotFoundException", "IdentityPool 'us-east-1:00000000-0000-4000-8000-000000000000' not found.")
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: new("us-east-1:00000000-0000-4000-8000-000000000000")})
		wantText(t, err, "ResourceNotFoundException", "Identity 'us-east-1:00000000-0000-4000-8000-000000000000' not found.")
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: new("nothing")})
		serving.Want(t, err, "ValidationException")
	})
}

// TestLogins: a login leads to one identity, under either name of the user pool, and makes a guest
// a person.
func TestLogins(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		ada := r.logins(t, "ada")
		id := r.id(t, pool, ada)
		if again := r.id(t, pool, r.logins(t, "ada")); again != id {
			t.Errorf("identity %s, want %s", again, id)
		}
		_, host, _ := strings.Cut(claimsOf(t, ada[r.key()])["iss"].(string), "://")
		if again := r.id(t, pool, map[string]string{host: ada[r.key()]}); again != id {
			t.Errorf("under the issuer's name: identity %s, want %s", again, id)
		}
		_, claims := r.open(t, id, ada)
		sub := claimsOf(t, ada[r.key()])["sub"].(string)
		if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["authenticated","`+r.key()+`","`+r.key()+`:CognitoSignIn:`+sub+`"]` {
			t.Errorf("amr %s", amr)
		}
		_, err := r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id})
		wantText(t, err, "NotAuthorizedException", "Access to Identity '"+id+"' is forbidden.")

		// A guest becomes a person, and is no guest any more.
		guest := r.id(t, pool, nil)
		bea := r.logins(t, "bea")
		if got, _ := r.open(t, guest, bea); got != guest {
			t.Errorf("identity %s, want that of the guest %s", got, guest)
		}
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest})
		wantText(t, err, "NotAuthorizedException", "is forbidden.")
		// A guest who turns out to be a known person gets that person's identity.
		second := r.id(t, pool, nil)
		if got, _ := r.open(t, second, ada); got != id {
			t.Errorf("identity %s, want %s", got, id)
		}
		if got, _ := r.open(t, second, ada); got != id {
			t.Errorf("again: identity %s, want %s", got, id)
		}
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &second})
		wantText(t, err, "NotAuthorizedException", "is forbidden.")
		// Nobody takes another person's identity.
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: bea})
		wantText(t, err, "NotAuthorizedException", "Logins don't match.")
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: r.logins(t, "cyd")})
		wantText(t, err, "NotAuthorizedException", "Logins don't match.")
	})
}

// TestRefusedLogins: every bad token is refused with Cognito's text.
func TestRefusedLogins(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool := r.pool(t, func(in *ci.CreateIdentityPoolInput) {
			in.CognitoIdentityProviders[0].ServerSideTokenCheck = new(true)
			in.SupportedLoginProviders = map[string]string{"accounts.google.com": "x"}
		})
		tokens := r.signIn(t, "ada")
		good := *tokens.IdToken
		id := r.id(t, pool, map[string]string{r.key(): good})
		parts := strings.Split(good, ".")
		out, err := r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: map[string]string{r.key(): good}})
		own := *serving.Must(t, out, err).Token
		otherPool := serving.NewPool(t, r.Rig)
		other := *r
		other.client = r.addClient(t)
		foreign := *other.signIn(t, "ada").IdToken
		for _, row := range []struct{ name, key, token, code, text string }{
			{"garbage", r.key(), "x", "NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token."},
			{"three parts of garbage", r.key(), "a.b.c", "NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token."},
			{"cut signature", r.key(), parts[0] + "." + parts[1] + "." + parts[2][:20], "NotAuthorizedException", "Invalid login token. Couldn't verify signed token."},
			{"no signature", r.key(), parts[0] + "." + parts[1] + ".", "NotAuthorizedException", "Invalid login token. Couldn't verify signed token."},
			{"access token", r.key(), *tokens.AccessToken, "NotAuthorizedException", "Invalid login token. Missing a required claim: aud"},
			{"key of another pool", "cognito-idp.us-east-1.amazonaws.com/" + otherPool, good, "NotAuthorizedException", "Invalid login token. Issuer doesn't match providerName"},
			{"another app client", r.key(), foreign, "NotAuthorizedException", "Token is not from a supported provider of this identity pool."},
			{"token of this service", r.key(), own, "NotAuthorizedException", "Invalid login token. Can't pass in a Cognito token."},
			{"token of this service under its key", "cognito-identity.amazonaws.com", own, "NotAuthorizedException", "Invalid login token. Can't pass in a Cognito token."},
			{"unknown provider", "login.example.com", good, "NotAuthorizedException", "Token is not from a supported provider of this identity pool."},
			{"word", "developer", good, "InvalidParameterException", "Please provide a valid public provider."},
			{"token of another provider", "accounts.google.com", good, "NotAuthorizedException", "Invalid login token. Issuer doesn't match providerName"},
		} {
			_, err := r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{row.key: row.token}})
			if serving.Code(err) != row.code || !strings.Contains(err.Error(), row.text) {
				t.Errorf("%s: %v, want %s", row.name, err, row.text)
			}
		}
		many := map[string]string{}
		for i := range 11 {
			many[strings.Repeat("x", i+1)+".example.com"] = "token"
		}
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: many})
		serving.Want(t, err, "ValidationException")

		// The check with the user pool: a person who was signed out gets nothing.
		_, err = r.idp.AdminUserGlobalSignOut(ctx, &cip.AdminUserGlobalSignOutInput{UserPoolId: &r.userPool, Username: new("ada")})
		serving.Want(t, err, "")
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{r.key(): good}})
		wantText(t, err, "NotAuthorizedException", "Invalid login token. Token is revoked.")
		fresh := r.logins(t, "ada")
		if again := r.id(t, pool, fresh); again != id {
			t.Errorf("identity %s, want %s", again, id)
		}
		_, err = r.idp.AdminDisableUser(ctx, &cip.AdminDisableUserInput{UserPoolId: &r.userPool, Username: new("ada")})
		serving.Want(t, err, "")
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: fresh})
		wantText(t, err, "NotAuthorizedException", "Invalid login token. Token is revoked.")
	})
}

// TestPrincipalTags: claims become tags in the identity's token.
func TestPrincipalTags(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		ada := r.logins(t, "ada")
		id := r.id(t, pool, ada)
		tags := func() string {
			t.Helper()
			_, claims := r.open(t, id, ada)
			text, _ := json.Marshal(claims["https://aws.amazon.com/tags"])
			return string(text)
		}
		if got := tags(); got != "null" {
			t.Errorf("tags %s", got)
		}
		_, err := r.sdk.SetPrincipalTagAttributeMap(ctx, &ci.SetPrincipalTagAttributeMapInput{
			IdentityPoolId: &pool, IdentityProviderName: new(r.key()), PrincipalTags: map[string]string{"name": "cognito:username", "none": "nothing"},
		})
		serving.Want(t, err, "")
		if got := tags(); got != `{"principal_tags":{"name":["ada"]}}` {
			t.Errorf("tags %s", got)
		}
		_, err = r.sdk.SetPrincipalTagAttributeMap(ctx, &ci.SetPrincipalTagAttributeMapInput{IdentityPoolId: &pool, IdentityProviderName: new(r.key()), UseDefaults: new(true)})
		serving.Want(t, err, "")
		if got := tags(); got != `{"principal_tags":{"client":["`+r.client+`"],"username":["`+claimsOf(t, ada[r.key()])["sub"].(string)+`"]}}` {
			t.Errorf("tags %s", got)
		}
	})
}

// TestDeveloperIdentities: the developer's own server says who a person is.
func TestDeveloperIdentities(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		get := func(user string, change ...func(in *ci.GetOpenIdTokenForDeveloperIdentityInput)) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
			in := &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: map[string]string{developer: user}}
			for _, f := range change {
				f(in)
			}
			return r.sdk.GetOpenIdTokenForDeveloperIdentity(ctx, in)
		}
		must := func(out *ci.GetOpenIdTokenForDeveloperIdentityOutput, err error) (id, token string) {
			t.Helper()
			serving.Must(t, out, err)
			return *out.IdentityId, *out.Token
		}
		id, token := must(get("u1", func(in *ci.GetOpenIdTokenForDeveloperIdentityInput) {
			in.TokenDuration, in.PrincipalTags = new(int64(60)), map[string]string{"team": "red"}
		}))
		claims := claimsOf(t, token)
		amr, _ := json.Marshal(claims["amr"])
		tags, _ := json.Marshal(claims["https://aws.amazon.com/tags"])
		if string(amr) != `["authenticated","`+developer+`","`+developer+`:`+pool+`:u1"]` || string(tags) != `{"principal_tags":{"team":["red"]}}` ||
			claims["exp"].(float64)-claims["iat"].(float64) != 60 {
			t.Errorf("%v", claims)
		}
		if again, _ := must(get("u1")); again != id {
			t.Errorf("identity %s, want %s", again, id)
		}
		// The client comes with that token, for that identity alone.
		own := map[string]string{"cognito-identity.amazonaws.com": token}
		if got, claims := r.open(t, id, own); got != id || claims["amr"].([]any)[2] != developer+":"+pool+":u1" {
			t.Errorf("%s %v", got, claims)
		}
		guest := r.id(t, pool, nil)
		_, err := r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest, Logins: own})
		wantText(t, err, "NotAuthorizedException", "Logins don't match.")

		// Further users of the developer, and a person of the user pool.
		at := func(id string) func(in *ci.GetOpenIdTokenForDeveloperIdentityInput) {
			return func(in *ci.GetOpenIdTokenForDeveloperIdentityInput) { in.IdentityId = &id }
		}
		if got, _ := must(get("u2", at(id))); got != id {
			t.Errorf("identity %s, want %s", got, id)
		}
		other, _ := must(get("u3"))
		_, err = get("u3", at(id))
		serving.Want(t, err, "DeveloperUserAlreadyRegisteredException")
		ada := r.logins(t, "ada")
		person := r.id(t, pool, ada)
		_, err = get("u4", at(person))
		wantText(t, err, "NotAuthorizedException", "Logins don't match.")
		if got, _ := must(get("u4", at(person), func(in *ci.GetOpenIdTokenForDeveloperIdentityInput) { maps.Copy(in.Logins, ada) })); got != person {
			t.Errorf("identity %s, want %s", got, person)
		}
		_, err = r.sdk.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: ada})
		wantText(t, err, "InvalidParameterException", "This identity pool does not support the specified developer provider")

		look, err := r.sdk.LookupDeveloperIdentity(ctx, &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool, DeveloperUserIdentifier: new("u2")})
		if serving.Must(t, look, err); *look.IdentityId != id || !slices.Equal(look.DeveloperUserIdentifierList, []string{"u1", "u2"}) {
			t.Errorf("%+v", look)
		}
		page, err := r.sdk.LookupDeveloperIdentity(ctx, &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &id, MaxResults: new(int32(1))})
		if serving.Must(t, page, err); !slices.Equal(page.DeveloperUserIdentifierList, []string{"u1"}) || page.NextToken == nil {
			t.Errorf("%+v", page)
		}
		_, err = r.sdk.LookupDeveloperIdentity(ctx, &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &other, DeveloperUserIdentifier: new("u2")})
		serving.Want(t, err, "ResourceConflictException")
		_, err = r.sdk.LookupDeveloperIdentity(ctx, &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool})
		serving.Want(t, err, "InvalidParameterException")

		merged, err := r.sdk.MergeDeveloperIdentities(ctx, &ci.MergeDeveloperIdentitiesInput{
			IdentityPoolId: &pool, DeveloperProviderName: new(developer), SourceUserIdentifier: new("u3"), DestinationUserIdentifier: new("u1"),
		})
		if serving.Must(t, merged, err); *merged.IdentityId != id {
			t.Errorf("merged into %s, want %s", *merged.IdentityId, id)
		}
		if got, _ := must(get("u3")); got != id {
			t.Errorf("identity %s, want %s", got, id)
		}
		_, err = r.sdk.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{
			IdentityPoolId: &pool, IdentityId: &id, DeveloperProviderName: new(developer), DeveloperUserIdentifier: new("u3"),
		})
		serving.Want(t, err, "")
		if got, _ := must(get("u3")); got == id {
			t.Error("the user still has the identity")
		}
		_, err = r.sdk.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{
			IdentityPoolId: &pool, IdentityId: &id, DeveloperProviderName: new(developer), DeveloperUserIdentifier: new("none"),
		})
		serving.Want(t, err, "ResourceNotFoundException")
		_, err = r.sdk.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{
			IdentityPoolId: &pool, IdentityId: &id, DeveloperProviderName: new("another"), DeveloperUserIdentifier: new("u1"),
		})
		serving.Want(t, err, "InvalidParameterException")
	})
}

// TestMerges: logins that prove two identities make one of them.
func TestMerges(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		second := serving.NewPool(t, r.Rig)
		other := *r
		other.userPool = second
		other.client = other.addClient(t)
		_, err := r.sdk.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{
			IdentityPoolId: &pool, IdentityPoolName: new("people"), AllowUnauthenticatedIdentities: true, AllowClassicFlow: new(true),
			CognitoIdentityProviders: []types.CognitoIdentityProvider{
				{ProviderName: new(r.key()), ClientId: &r.client}, {ProviderName: new(other.key()), ClientId: &other.client},
			},
		})
		serving.Want(t, err, "")
		here, there := r.logins(t, "ada"), other.logins(t, "ada")
		both := maps.Clone(here)
		maps.Copy(both, there)
		first, later := r.id(t, pool, here), r.id(t, pool, there)
		if first == later {
			t.Fatal("two people have one identity")
		}
		if got, _ := r.open(t, later, both); got != first {
			t.Errorf("identity %s, want the older %s", got, first)
		}
		for _, logins := range []map[string]string{here, there, both} {
			if got := r.id(t, pool, logins); got != first {
				t.Errorf("identity %s, want %s", got, first)
			}
		}
		if got, _ := r.open(t, later, there); got != first { // The old id still leads there.
			t.Errorf("identity %s, want %s", got, first)
		}
		// Two logins of one provider do not fit into one identity.
		bea := r.logins(t, "bea")
		third := r.id(t, pool, bea)
		clash := maps.Clone(bea)
		maps.Copy(clash, there)
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &third, Logins: clash})
		wantText(t, err, "ResourceConflictException", "Identity already has a login for provider "+r.key())
		list, err := r.sdk.ListIdentities(ctx, &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: new(int32(60)), HideDisabled: true})
		if got := len(serving.Must(t, list, err).Identities); got != 2 {
			t.Errorf("%d identities, want 2", got)
		}
		list, err = r.sdk.ListIdentities(ctx, &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: new(int32(60))})
		if got := len(serving.Must(t, list, err).Identities); got != 3 {
			t.Errorf("%d identities with those that were merged, want 3", got)
		}
	})
}

// TestIdentities describes, lists and deletes identities.
func TestIdentities(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		ada := r.logins(t, "ada")
		id := r.id(t, pool, ada)
		ids := []string{id, r.id(t, pool, nil), r.id(t, pool, nil)}
		slices.Sort(ids)
		got, err := r.sdk.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: &id})
		if serving.Must(t, got, err); !slices.Equal(got.Logins, []string{r.key()}) || time.Since(*got.CreationDate) > time.Hour {
			t.Errorf("%+v", got)
		}
		var listed []string
		in := &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: new(int32(2))}
		for {
			page, err := r.sdk.ListIdentities(ctx, in)
			for _, i := range serving.Must(t, page, err).Identities {
				listed = append(listed, *i.IdentityId)
			}
			if in.NextToken = page.NextToken; in.NextToken == nil {
				break
			}
		}
		if !slices.Equal(listed, ids) {
			t.Errorf("listed %v, want %v", listed, ids)
		}
		none := "us-east-1:00000000-0000-4000-8000-000000000000"
		deleted, err := r.sdk.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id, none}})
		if left := serving.Must(t, deleted, err).UnprocessedIdentityIds; len(left) != 1 || *left[0].IdentityId != none || left[0].ErrorCode != "AccessDenied" {
			t.Errorf("%+v", left)
		}
		_, err = r.sdk.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: &id})
		serving.Want(t, err, "ResourceNotFoundException")
		if again := r.id(t, pool, ada); again == id {
			t.Error("the deleted identity is back")
		}
		_, err = r.sdk.ListIdentities(ctx, &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: new(int32(2)), NextToken: new("x")})
		serving.Want(t, err, "InvalidParameterException")
	})
}

// TestUnlink: a login that was taken away leads to a new identity.
func TestUnlink(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx, pool := t.Context(), r.pool(t)
		ada := r.logins(t, "ada")
		id := r.id(t, pool, ada)
		unlink := func(logins map[string]string) error {
			_, err := r.sdk.UnlinkIdentity(ctx, &ci.UnlinkIdentityInput{IdentityId: &id, Logins: logins, LoginsToRemove: []string{r.key()}})
			return err
		}
		wantText(t, unlink(r.logins(t, "bea")), "NotAuthorizedException", "Logins don't match.")
		serving.Want(t, unlink(ada), "")
		if again := r.id(t, pool, ada); again == id {
			t.Error("the login still leads to the identity")
		}
		wantText(t, unlink(ada), "NotAuthorizedException", "Logins don't match.")
	})
}

// TestLoginsAtOnce: of the same login used at once there is one identity.
func TestLoginsAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		pool, ada := r.pool(t), r.logins(t, "ada")
		ids := make(chan string, 8)
		for range cap(ids) {
			go func() {
				out, err := r.sdk.GetId(context.WithoutCancel(t.Context()), &ci.GetIdInput{IdentityPoolId: &pool, Logins: ada})
				if err != nil {
					ids <- err.Error()
					return
				}
				ids <- *out.IdentityId
			}()
		}
		first := <-ids
		for range cap(ids) - 1 {
			if id := <-ids; id != first {
				t.Errorf("identities %s and %s", first, id)
			}
		}
	})
}

// TestDiscovery: verifiers find the keys of the issuer.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	pool := r.pool(t)
	out, err := r.sdk.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: new(r.id(t, pool, nil))})
	issuer := claimsOf(t, *serving.Must(t, out, err).Token)["iss"].(string)
	_, body := serving.Get(t, r.URL()+"/cognito-identity/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil || doc["issuer"] != issuer || doc["jwks_uri"] != issuer+"/.well-known/jwks_uri" {
		t.Errorf("%v %s", err, body)
	}
	_, body = serving.Get(t, r.URL()+"/cognito-identity/.well-known/jwks_uri")
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(*out.Token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var named struct{ Kid string }
	if err := json.Unmarshal(header, &named); err != nil || named.Kid == "" || !strings.Contains(body, named.Kid) {
		t.Errorf("%v: %s is not in %s", err, named.Kid, body)
	}
}

// TestRevokedWithoutID: tokens of clients without token revocation have no jti. A sign-out ends their
// use at once, in the second in which they were issued, too.
func TestRevokedWithoutID(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, err := r.idp.UpdateUserPoolClient(ctx, &cip.UpdateUserPoolClientInput{
			UserPoolId: &r.userPool, ClientId: &r.client, EnableTokenRevocation: new(false),
			ExplicitAuthFlows: []idptypes.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
		})
		serving.Want(t, err, "")
		pool := r.pool(t, func(in *ci.CreateIdentityPoolInput) {
			in.CognitoIdentityProviders[0].ServerSideTokenCheck = new(true)
		})
		logins := r.logins(t, "ada")
		if claimsOf(t, logins[r.key()])["jti"] != nil {
			t.Fatal("the token has a jti")
		}
		r.id(t, pool, logins)
		_, err = r.idp.AdminUserGlobalSignOut(ctx, &cip.AdminUserGlobalSignOutInput{UserPoolId: &r.userPool, Username: new("ada")})
		serving.Want(t, err, "")
		_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
		wantText(t, err, "NotAuthorizedException", "Token is revoked")
	})
}
