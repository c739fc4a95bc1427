package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"cognate/internal/iam/sigv4"
)

var at = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// signed makes a request as the AWS SDK for Go signs it.
func signed(t interface{ Fatal(...any) }, path, query, secret, token string, header map[string]string, body []byte) *http.Request {
	target := "http://localhost:9229" + path
	if query != "" {
		target += "?" + query
	}
	r := httptest.NewRequest("POST", target, bytes.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	sum := sha256.Sum256(body)
	err := v4.NewSigner().SignHTTP(r.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: token},
		r, hex.EncodeToString(sum[:]), "cognito-idp", "eu-central-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verify(r *http.Request, body []byte, secret string) error {
	s, err := sigv4.Parse(r.Header)
	if err != nil {
		return err
	}
	if err := s.CheckClock(at); err != nil {
		return err
	}
	if err := s.CheckService("cognito-idp"); err != nil {
		return err
	}
	return s.Verify(sigv4.FromHTTP(r, body), secret)
}

// TestSDKSignatures: what the SDK signs holds, and no longer when anything of it changes.
func TestSDKSignatures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9/+]{40}`).Draw(t, "secret")
		token := rapid.StringMatching(`([A-Za-z0-9/+=]{10,20})?`).Draw(t, "token")
		path := rapid.StringMatching(`/([a-z]{1,4}(/|%20|\.)?){0,3}`).Draw(t, "path")
		query := rapid.StringMatching(`([a-z]=[a-z0-9]{0,2}(&[a-z]=[a-z%20]{0})?)?`).Draw(t, "query")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		header := map[string]string{
			"X-Amz-Target": rapid.StringMatching(`[A-Z][a-z]{1,8}\.[A-Z][a-z]{1,8}`).Draw(t, "target"),
			"X-Note":       rapid.StringMatching(` {0,2}[a-z]{1,3} {1,3}[a-z]{1,3} {0,2}`).Draw(t, "note"),
			"Content-Type": "application/x-amz-json-1.1",
		}
		r := signed(t, path, query, secret, token, header, body)
		if err := verify(r, body, secret); err != nil {
			t.Fatalf("the SDK's signature: %v\n%v", err, r.Header)
		}
		changes := map[string]func(){
			"method": func() { r.Method = "PUT" },
			"path":   func() { r.URL.Path += "x"; r.URL.RawPath = "" },
			"query":  func() { r.URL.RawQuery += "&z=1" },
			"host":   func() { r.Host = "other" },
			"target": func() { r.Header.Set("X-Amz-Target", "Other.Op") },
			"token":  func() { r.Header.Set("X-Amz-Security-Token", "other") },
			"date":   func() { r.Header.Set("X-Amz-Date", at.Add(time.Second).Format("20060102T150405Z")) },
			"body":   func() { body = append(body, 'x') },
			"secret": func() { secret += "x" },
			"scope": func() {
				r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "eu-central-1", "eu-west-1", 1))
			},
			"hash":   func() { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
			"header": func() { r.Header.Add("X-Amz-Target", "Second.Op") },
		}
		names := []string{"method", "path", "query", "host", "target", "token", "date", "body", "secret", "scope", "hash", "header"}
		name := rapid.SampledFrom(names).Draw(t, "change")
		changes[name]()
		if verify(r, body, secret) == nil {
			t.Fatalf("still verified after a change of the %s", name)
		}
	})
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	sign := func(t *testing.T) *http.Request {
		return signed(t, "/", "", "secret", "", map[string]string{"X-Amz-Target": "A.B"}, []byte("{}"))
	}
	tests := []struct {
		name   string
		change func(r *http.Request)
		want   string
	}{
		{"as signed", func(*http.Request) {}, ""},
		{"CloudFront's header", func(r *http.Request) { r.Header.Set("X-Amz-Cf-Id", "x") }, ""},
		{"trace header", func(r *http.Request) { r.Header.Set("X-Amzn-Trace-Id", "x") }, ""},
		{"unsigned header", func(r *http.Request) { r.Header.Set("X-Amz-Other", "x") }, "'X-Amz-Other' must be a 'SignedHeader' in the AWS Authorization."},
		{"unsigned header in odd letters", func(r *http.Request) { r.Header["x-aMz-oTher"] = []string{"x"} }, "'x-aMz-oTher' must be a 'SignedHeader' in the AWS Authorization."},
		{"host left out", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
		}, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sign(t)
			tt.change(r)
			err := verify(r, []byte("{}"), "secret")
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || err.Error() != "sigv4: "+tt.want):
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	body := []byte(`{"UserPoolId":"us-east-1_abcdefghi","Username":"alice"}`)
	r := signed(b, "/", "", "secret", "", map[string]string{"X-Amz-Target": "AWSCognitoIdentityProviderService.AdminGetUser", "Content-Type": "application/x-amz-json-1.1"}, body)
	b.ReportAllocs()
	for b.Loop() {
		s, err := sigv4.Parse(r.Header)
		if err == nil {
			err = s.Verify(sigv4.FromHTTP(r, body), "secret")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
