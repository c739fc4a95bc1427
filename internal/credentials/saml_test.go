package credentials_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/federation/saml/samltest"
)

const (
	samlARN = "arn:aws:iam::" + account + ":saml-provider/corp"
	samlURL = "https://signin.aws.amazon.com/saml"
)

func TestAssumeRoleWithSAML(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	idp := samltest.New(t, samltest.RSA)
	idp.Certificate = samltest.Certificate(t, idp.Signer, time.Now())
	_, err := r.iam.CreateSAMLProvider(t.Context(), &iam.CreateSAMLProviderInput{Name: new("corp"), SAMLMetadataDocument: new(string(idp.Metadata()))})
	check(t, err)
	trust := `{"Effect":"Allow","Principal":{"Federated":"` + samlARN + `"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"Condition":{"StringEquals":{"SAML:aud":"` + samlURL + `","SAML:sub":"Dora","SAML:sub_type":"persistent"}}}`
	r.role(t, "staff", trust, `{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","saml:doc":"`+account+`/corp"}}}`)
	r.role(t, "unlisted", trust, allow("s3:*"))
	r.role(t, "untagged", strings.Replace(trust, `,"sts:TagSession"`, "", 1), allow("s3:*"))
	const attributes = "https://aws.amazon.com/SAML/Attributes/"
	// A case makes its answer when it runs: cases wait for each other, and the answer is valid for five minutes.
	answer := func(role string, change func(a *samltest.Answer)) func(t *testing.T) string {
		return func(t *testing.T) string {
			a := samltest.Answer{Consumer: samlURL, Audience: "urn:amazon:webservices", NameID: "Dora", Now: time.Now(), ID: rand.Text(), Attributes: []samltest.Attribute{
				{Name: attributes + "Role", Values: []string{"arn:aws:iam::" + account + ":role/other," + samlARN, samlARN + "," + roleARN + role}},
				{Name: attributes + "RoleSessionName", Values: []string{"dora@example.com"}},
				{Name: attributes + "PrincipalTag:team", Values: []string{"red"}},
			}}
			if change != nil {
				change(&a)
			}
			return samltest.Encode(idp.Sign(t, idp.Response(a)))
		}
	}
	unsigned := func(*testing.T) string {
		return samltest.Encode(idp.Response(samltest.Answer{Consumer: samlURL, Audience: samlURL, NameID: "Dora", Now: time.Now(), ID: "x"}))
	}
	tests := []struct {
		name, role, provider string
		answer               func(t *testing.T) string
		seconds              *int32
		code, text           string
	}{
		{name: "accepted", role: "staff", answer: answer("staff", nil)},
		{name: "audience by address", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.Audience = samlURL })},
		{name: "another audience", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.Audience = "urn:other" }), code: "InvalidIdentityToken"},
		{name: "another recipient", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.Consumer = "https://other.example.com" }), code: "InvalidIdentityToken"},
		{name: "answer to a request", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.InResponseTo = "_1" }), code: "InvalidIdentityToken"},
		{name: "unsigned", role: "staff", answer: unsigned, code: "InvalidIdentityToken"},
		{name: "garbage", role: "staff", answer: func(*testing.T) string { return "garbage" }, code: "InvalidIdentityToken"},
		{name: "old", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.Now = a.Now.Add(-20 * time.Minute) }), code: "ExpiredTokenException", text: "Token must be redeemed within 5 minutes of issuance"},
		{name: "role that the answer does not list", role: "unlisted", answer: answer("staff", nil), code: "AccessDenied", text: "Not authorized to perform sts:AssumeRoleWithSAML"},
		{name: "role that does not exist", role: "none", answer: answer("none", nil), code: "AccessDenied", text: "Not authorized to perform sts:AssumeRoleWithSAML"},
		{name: "another person", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.NameID = "Eve" }), code: "AccessDenied", text: "Not authorized to perform sts:AssumeRoleWithSAML"},
		{name: "tags not trusted", role: "untagged", answer: answer("untagged", nil), code: "AccessDenied", text: "Not authorized to perform sts:AssumeRoleWithSAML"},
		{name: "no session name", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.Attributes = a.Attributes[:1] }), code: "InvalidIdentityToken", text: "RoleSessionName is required in AuthnResponse"},
		{name: "bad session name", role: "staff", answer: answer("staff", func(a *samltest.Answer) { a.Attributes[1].Values = []string{"a b"} }), code: "InvalidIdentityToken", text: "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
		{name: "another provider", role: "staff", provider: samlARN + "2", answer: answer("staff", nil), code: "InvalidIdentityToken", text: "Specified provider doesn't exist"},
		{name: "too long", role: "staff", answer: answer("staff", nil), seconds: aws.Int32(7200), code: "ValidationError", text: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{name: "length of the answer", role: "staff", answer: answer("staff", func(a *samltest.Answer) {
			a.Attributes = append(a.Attributes, samltest.Attribute{Name: attributes + "SessionDuration", Values: []string{"60"}})
		}), code: "InvalidIdentityToken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			provider := samlARN
			if tt.provider != "" {
				provider = tt.provider
			}
			out, err := r.anybody().AssumeRoleWithSAML(t.Context(), &sts.AssumeRoleWithSAMLInput{RoleArn: new(roleARN + tt.role), PrincipalArn: &provider, SAMLAssertion: new(tt.answer(t)), DurationSeconds: tt.seconds})
			if tt.code != "" {
				want(t, err, tt.code, tt.text)
				return
			}
			check(t, err)
			if *out.Subject != "Dora" || *out.SubjectType != "persistent" || *out.Issuer != idp.EntityID || *out.Audience != samlURL || len(*out.NameQualifier) != 28 ||
				*out.AssumedRoleUser.Arn != "arn:aws:sts::"+account+":assumed-role/staff/dora@example.com" {
				t.Errorf("answer %+v", out)
			}
			if code := r.pools(t, of(out.Credentials)); code != "" {
				t.Errorf("ListUserPools: %s", code)
			}
		})
	}
}
