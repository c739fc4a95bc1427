package wire_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/api/sts"
	"cognate/internal/wire"
)

// tokens is an STS of a few operations.
type tokens struct{ sts.Unimplemented }

func (tokens) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityRequest) (*sts.GetCallerIdentityResponse, error) {
	c := api.RequestFrom(ctx)
	return &sts.GetCallerIdentityResponse{Account: &c.AccountID, Arn: &c.PrincipalARN, UserId: new("<&>")}, nil
}

func (tokens) AssumeRoleWithWebIdentity(_ context.Context, in *sts.AssumeRoleWithWebIdentityRequest) (*sts.AssumeRoleWithWebIdentityResponse, error) {
	switch in.RoleSessionName {
	case "expired":
		return nil, sts.ExpiredTokenException("Token expired")
	case "fault":
		return nil, errors.New("disk on fire")
	}
	return &sts.AssumeRoleWithWebIdentityResponse{Credentials: &sts.Credentials{
		AccessKeyId: "ASIA", SecretAccessKey: "s", SessionToken: "t", Expiration: time.Unix(1_800_000_000, 0),
	}}, nil
}

const requestID = "6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5a"

func xmlError(kind, code, message string) string {
	return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>` + kind + `</Type><Code>` + code +
		`</Code><Message>` + message + `</Message></Error><RequestId>` + requestID + `</RequestId></ErrorResponse>`
}

func serveTokens(t *testing.T, change func(*wire.Config)) string {
	return serve(t, func(c *wire.Config) {
		c.Bindings = slices.Concat(idp.Bind(directory{}), sts.Bind(tokens{}))
		if change != nil {
			change(c)
		}
	})
}

func TestQuery(t *testing.T) {
	t.Parallel()
	const version, web = "&Version=2011-06-15", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/r&WebIdentityToken=abcd&RoleSessionName="
	signed := strings.Replace(anySignature, "cognito-idp", "sts", 1)
	url := serveTokens(t, func(c *wire.Config) { c.MaxBody = 2000 })
	noService := func(code, message string) string {
		return strings.Replace(xmlError("Sender", code, message), "https://sts.amazonaws.com/doc/2011-06-15/", "http://webservices.amazon.com/AWSFault/2005-15-09", 1)
	}
	tests := []struct {
		name, form, get, accept, signature string
		status                             int
		body                               string
	}{
		{
			name: "success", form: "Action=GetCallerIdentity" + version, signature: signed, status: 200,
			body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><UserId>&lt;&amp;&gt;</UserId><Account>123456789012</Account>` +
				`<Arn>arn:aws:iam::123456789012:root</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>` + requestID + `</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
		},
		{
			name: "by GET, as JSON", get: web + "dora", accept: "application/json", status: 200,
			body: `{"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{"Credentials":{"AccessKeyId":"ASIA","Expiration":1800000000,"SecretAccessKey":"s","SessionToken":"t"}},` +
				`"ResponseMetadata":{"RequestId":"` + requestID + `"}}}`,
		},
		{name: "an error of the operation", form: web + "expired", status: 400, body: xmlError("Sender", "ExpiredTokenException", "Token expired")},
		{
			name: "an error as JSON", form: web + "expired", accept: "application/json; charset=utf-8", status: 400,
			body: `{"Error":{"Code":"ExpiredTokenException","Message":"Token expired","Type":"Sender"},"RequestId":"` + requestID + `"}`,
		},
		{name: "a fault", form: web + "fault", status: 500, body: xmlError("Receiver", "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")},
		{
			name: "a constraint", form: web + "a+b", status: 400,
			body: xmlError("Sender", "ValidationError", `1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`),
		},
		{name: "a number that is none", form: web + "dora&DurationSeconds=x", status: 400, body: xmlError("Sender", "MalformedInput", "NUMBER_VALUE can not be converted to an Integer")},
		{name: "not built", form: "Action=GetAccessKeyInfo&AccessKeyId=AKIAAAAAAAAAAAAAAAAA" + version, signature: signed, status: 400, body: xmlError("Sender", "UnsupportedOperationException", "GetAccessKeyInfo is not available in this version of Cognate")},
		{name: "no signature", form: "Action=GetCallerIdentity" + version, status: 403, body: xmlError("Sender", "MissingAuthenticationToken", "Request is missing Authentication Token")},
		{name: "another service's signature", form: "Action=GetCallerIdentity" + version, signature: anySignature, status: 403, body: xmlError("Sender", "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'.")},
		{name: "unknown action", form: "Action=Fly" + version, status: 400, body: noService("InvalidAction", "Could not find operation Fly for version 2011-06-15")},
		{name: "no version", form: "Action=GetCallerIdentity", status: 400, body: noService("InvalidAction", "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED")},
		{name: "no action", form: "Version=2011-06-15", status: 400, body: noService("MissingAction", "The request is missing an action or a required parameter.")},
		{name: "twice", form: "Action=GetCallerIdentity&Action=GetCallerIdentity" + version, status: 400, body: noService("MalformedInput", "A parameter is there twice")},
		{name: "too large", form: strings.Repeat("a", 2001), status: 413, body: noService("RequestEntityTooLarge", "Request size exceeds the limit.")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method, address := http.MethodPost, url
			if tt.get != "" {
				method, address = http.MethodGet, url+"/?"+tt.get
			}
			r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(tt.form))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			r.Header.Set("X-Amz-Date", "20260301T100000Z")
			for name, value := range map[string]string{"Accept": tt.accept, "Authorization": tt.signature} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := "text/xml"
			if tt.accept != "" {
				want = "application/json"
			}
			if res.StatusCode != tt.status || res.Header.Get("Content-Type") != want || res.Header.Get("x-amzn-RequestId") != requestID {
				t.Errorf("status %d, headers %v", res.StatusCode, res.Header)
			}
			if diff := cmp.Diff(tt.body, string(body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestQueryVerifies wants the keys and their policies to guard the Query protocol, too.
func TestQueryVerifies(t *testing.T) {
	t.Parallel()
	a := newAccess(t)
	url := serveTokens(t, func(c *wire.Config) { c.Now, c.Authority = time.Now, wire.Authority{Mode: wire.Verify, IAM: a.Service} })
	tests := []struct {
		name, key, secret string
		code, message     string
	}{
		{"denied", a.key, a.secret, "AccessDenied", "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:GetAccessKeyInfo on resource: * because no identity-based policy allows the sts:GetAccessKeyInfo action"},
		{"wrong secret", a.key, "other", "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		{"unknown key", "AKIAAAAAAAAAAAAAAAAA", "x", "InvalidClientTokenId", "The security token included in the request is invalid."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const form = "Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId=AKIAAAAAAAAAAAAAAAAA"
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", strings.NewReader(form))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: tt.key, SecretAccessKey: tt.secret}, r, hashOf(form), "sts", "us-east-1", time.Now()); err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(xmlError("Sender", tt.code, tt.message), withoutEncoded(string(body))); diff != "" || res.StatusCode != http.StatusForbidden {
				t.Errorf("status %d: %s", res.StatusCode, diff)
			}
		})
	}
}
