package credentials_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/coreos/go-oidc/v3/oidc"

	"cognate/test/serving"
)

// TestGetWebIdentityToken verifies a token as another service would, by the issuer's documents.
func TestGetWebIdentityToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ctx := t.Context()
	ada := r.user(t, "ada", `{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*","Condition":{"ForAllValues:StringEquals":{"sts:IdentityTokenAudience":["https://a.example.com","b"]},"NumericLessThanEquals":{"sts:DurationSeconds":"900"}}},`+allow("sts:AssumeRole"))
	r.role(t, "app", trustAccount, allow("sts:GetWebIdentityToken"))
	provider, err := oidc.NewProvider(ctx, r.URL()+"/sts")
	check(t, err)
	verify := func(token, audience string) map[string]any {
		t.Helper()
		verified, err := provider.Verifier(&oidc.Config{ClientID: audience}).Verify(ctx, token)
		check(t, err)
		var claims map[string]any
		check(t, verified.Claims(&claims))
		return claims
	}
	in := func(change func(in *sts.GetWebIdentityTokenInput)) *sts.GetWebIdentityTokenInput {
		in := &sts.GetWebIdentityTokenInput{Audience: []string{"https://a.example.com"}, SigningAlgorithm: new("RS256")}
		if change != nil {
			change(in)
		}
		return in
	}
	out, err := r.sts(ada).GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) { in.Tags = tags("run", "7") }))
	check(t, err)
	claims := verify(*out.WebIdentityToken, "https://a.example.com")
	facts, _ := claims["https://sts.amazonaws.com/"].(map[string]any)
	if claims["sub"] != "arn:aws:iam::"+account+":user/ada" || claims["aud"] != "https://a.example.com" || facts["aws_account"] != account || facts["request_tags"].(map[string]any)["run"] != "7" ||
		time.Until(*out.Expiration) > 5*time.Minute {
		t.Errorf("claims %v until %s", claims, out.Expiration)
	}
	role, err := r.sts(ada).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: new(roleARN + "app"), RoleSessionName: new("one"), DurationSeconds: aws.Int32(900)})
	check(t, err)
	out, err = r.sts(of(role.Credentials)).GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) { in.Audience = []string{"a", "b"} }))
	check(t, err)
	if claims := verify(*out.WebIdentityToken, "b"); claims["sub"] != roleARN+"app" {
		t.Errorf("claims %v", claims)
	}
	// It is no login at this server.
	_, err = r.anybody().AssumeRoleWithWebIdentity(ctx, web("app", *out.WebIdentityToken))
	want(t, err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for "+r.URL()+"/sts")

	_, err = r.sts(of(role.Credentials)).GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) { in.DurationSeconds = aws.Int32(1000) }))
	serving.Want(t, err, "SessionDurationEscalationException")
	_, err = r.sts(ada).GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) { in.DurationSeconds = aws.Int32(1000) }))
	serving.Want(t, err, "AccessDenied")
	_, err = r.sts(ada).GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) { in.Audience = []string{"c"} }))
	serving.Want(t, err, "AccessDenied")
	_, err = r.sts(ada).GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) { in.SigningAlgorithm = new("PS256") }))
	serving.Want(t, err, "ValidationError")
	_, err = r.root().GetWebIdentityToken(ctx, in(func(in *sts.GetWebIdentityTokenInput) {
		for i := range 40 {
			in.Tags = append(in.Tags, tags(strings.Repeat("k", i+1), strings.Repeat("v", 250))...)
		}
	}))
	serving.Want(t, err, "JWTPayloadSizeExceededException")
}

// TestES384Tokens verifies tokens of ES384, whose key is one of its own. Identity pools do not publish it.
func TestES384Tokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		sign := func() string {
			t.Helper()
			out, err := r.root().GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: []string{"app"}, SigningAlgorithm: new("ES384")})
			check(t, err)
			return *out.WebIdentityToken
		}
		verify := func(token string) error {
			t.Helper()
			provider, err := oidc.NewProvider(ctx, r.URL()+"/sts")
			check(t, err)
			_, err = provider.Verifier(&oidc.Config{ClientID: "app"}).Verify(ctx, token)
			return err
		}
		first, second := sign(), sign()
		header, _, _ := strings.Cut(first, ".")
		if !strings.HasPrefix(second, header+".") || verify(first) != nil || verify(second) != nil {
			t.Errorf("tokens %s and %s: %v", first, second, verify(first))
		}
		i := strings.LastIndexByte(first, '.')
		if verify(first[:i]+second[strings.LastIndexByte(second, '.'):]) == nil {
			t.Error("the signature of another token is accepted")
		}
		set := keySet(t, r.URL()+"/cognito-identity/.well-known/jwks_uri")
		if strings.Contains(set, "ES384") || !strings.Contains(set, "RS256") {
			t.Errorf("identity pools publish %s", set)
		}
		if set := keySet(t, r.URL()+"/sts/.well-known/jwks.json"); !strings.Contains(set, `"alg":"ES384","crv":"P-384"`) || !strings.Contains(set, "RS256") {
			t.Errorf("STS publishes %s", set)
		}
	})
}

// keySet returns a key set.
func keySet(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	check(t, err)
	res, err := http.DefaultClient.Do(req)
	check(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	return string(body)
}
