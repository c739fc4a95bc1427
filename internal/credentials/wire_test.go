package credentials_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/test/serving"
)

// TestSessionsOnTheWire wants each protocol to refuse credentials that were changed, by its own
// codes.
func TestSessionsOnTheWire(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.role(t, "app", trustAccount, allow("*"))
	assume := func() *sts.AssumeRoleOutput {
		out, err := r.sts(r.user(t, "u"+time.Now().Format("150405.000000000"), allow("sts:AssumeRole"))).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: new(roleARN + "app"), RoleSessionName: new("one")})
		check(t, err)
		return out
	}
	one, two := assume().Credentials, assume().Credentials
	key, secret, token := *one.AccessKeyId, *one.SecretAccessKey, *one.SessionToken
	flipped := token[:40] + string(token[40]^1) + token[41:]
	tests := []struct {
		name, key, secret, token string
		json, query              string // the codes
	}{
		{"as they are", key, secret, token, "", ""},
		{"another secret", key, *two.SecretAccessKey, token, "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"another token", key, secret, *two.SessionToken, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"another key", *two.AccessKeyId, secret, token, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"a key that does not exist", "ASIAAAAAAAAAAAAAAAAA", secret, token, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"a changed token", key, secret, flipped, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"a cut token", key, secret, token[:len(token)-3], "UnrecognizedClientException", "InvalidClientTokenId"},
		{"no token", key, secret, "", "UnrecognizedClientException", "InvalidClientTokenId"},
	}
	ask := func(c aws.CredentialsProvider) string {
		_, err := r.sts(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return serving.Code(err)
	}
	for _, tt := range tests {
		c := credentials.NewStaticCredentialsProvider(tt.key, tt.secret, tt.token)
		if code := r.pools(t, c); code != tt.json {
			t.Errorf("%s: %q, want %q", tt.name, code, tt.json)
		}
		if code := ask(c); code != tt.query {
			t.Errorf("%s, STS: %q, want %q", tt.name, code, tt.query)
		}
	}
	r.ahead.Store(int64(time.Hour))
	if code, other := r.pools(t, of(one)), ask(of(one)); code != "ExpiredTokenException" || other != "ExpiredToken" {
		t.Errorf("after an hour: %q, %q", code, other)
	}
}
