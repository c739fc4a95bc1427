package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"cognate/internal/iam/sigv4"
)

func plainPaths(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }

// s3Target draws a path as clients encode keys, and a query. Clients do not encode a slash.
func s3Target(t *rapid.T) string {
	segment := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9 +=&~._!'()*%?#-]{0,5}`), rapid.StringN(0, 3, 12), rapid.SampledFrom([]string{"", ".", "..", "%2e"}))
	path := "/bucket"
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "segments") {
		path += "/" + strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(strings.ToValidUTF8(s, "?")))
	}
	values := url.Values{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"prefix", "delimiter", "versionId", "tagging", "list-type"}), 0, 3, rapid.ID[string]).Draw(t, "names") {
		values.Set(name, rapid.StringMatching(`[a-z/ +=*]{0,4}`).Draw(t, name))
	}
	return path + "?" + strings.ReplaceAll(values.Encode(), "+", "%20")
}

func openS3(r *http.Request, body []byte, secret string) error {
	s, err := sigv4.ParseHTTP(r)
	if err != nil {
		return err
	}
	if err := s.CheckClock(at); err != nil {
		return err
	}
	q := sigv4.FromHTTP(r, nil)
	q.ContentLength = int64(len(body))
	b, err := s.Open(q, secret, bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = io.ReadAll(b)
	return err
}

// TestSDKSignaturesOfS3: signatures of the SDK for S3 hold, in the header and in the query,
// until anything of the request changes.
func TestSDKSignaturesOfS3(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9/+]{40}`).Draw(t, "secret")
		token := rapid.StringMatching(`([A-Za-z0-9/+=]{10,20})?`).Draw(t, "token")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		presigned := rapid.Bool().Draw(t, "presigned")
		hashed := rapid.Bool().Draw(t, "hashed")
		target := s3Target(t)
		r := httptest.NewRequest("PUT", "http://localhost:9229"+target, http.NoBody)
		r.ContentLength = -1 // Go's signer would sign the length.
		r.Header.Set("X-Amz-Meta-Note", "a  b ")
		hash := sigv4.UnsignedPayload
		if hashed {
			sum := sha256.Sum256(body)
			hash = hex.EncodeToString(sum[:])
		}
		if hashed || !presigned {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: token}
		if presigned {
			q := r.URL.Query()
			q.Set("X-Amz-Expires", "60")
			r.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
			signed, header, err := v4.NewSigner().PresignHTTP(r.Context(), credentials, r, hash, "s3", "eu-central-1", at, plainPaths)
			if err != nil {
				t.Fatal(err)
			}
			r = httptest.NewRequest("PUT", signed, http.NoBody)
			r.Header = header
			r.Header.Del("Host")
		} else if err := v4.NewSigner().SignHTTP(r.Context(), credentials, r, hash, "s3", "eu-central-1", at, plainPaths); err != nil {
			t.Fatal(err)
		}
		if err := openS3(r, body, secret); err != nil {
			t.Fatalf("the SDK's signature of %s: %v\n%v", r.URL, err, r.Header)
		}
		changes := map[string]func(){
			"method": func() { r.Method = "GET" },
			"path":   func() { r.URL.Path += "/"; r.URL.RawPath = "" },
			"query":  func() { r.URL.RawQuery += "&acl" },
			"host":   func() { r.Host = "other" },
			"note": func() {
				r.Header.Set("X-Amz-Meta-Note", "b")
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Meta-Note=", "Meta-Note=b", 1)
			},
			"more":   func() { r.Header.Set("X-Amz-Acl", "public-read") },
			"secret": func() { secret += "x" },
			"both":   func() { r.Header.Add("Authorization", "AWS4-HMAC-SHA256 a=b") },
			"body": func() {
				if hashed {
					body = append(body, 'x')
				} else {
					secret = "other"
				}
			},
		}
		name := rapid.SampledFrom([]string{"method", "path", "query", "host", "note", "more", "secret", "both", "body"}).Draw(t, "change")
		changes[name]()
		if openS3(r, body, secret) == nil {
			t.Fatalf("still verified after a change of the %s", name)
		}
	})
}

// TestSign: what Sign signs holds, and it is what the SDK signs.
func TestSign(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.StringMatching(`([A-Za-z0-9/+=]{10,20})?`).Draw(t, "token")
		target := "http://localhost:9229" + s3Target(t)
		make := func() *http.Request {
			r := httptest.NewRequest("PUT", target, http.NoBody)
			r.ContentLength = -1
			r.Header.Set("Content-Type", "text/plain")
			r.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload)
			return r
		}
		ours, theirs := make(), make()
		signer := sigv4.Signer{AccessKeyID: "AKIDEXAMPLE", Secret: "secret", SessionToken: token, Region: "eu-central-1", Service: "s3"}
		q := sigv4.FromHTTP(ours, nil)
		signer.Sign(&q, sigv4.UnsignedPayload, at)
		err := v4.NewSigner().SignHTTP(theirs.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: token},
			theirs, sigv4.UnsignedPayload, "s3", "eu-central-1", at, plainPaths)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ours.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			t.Fatalf("%s\nSign: %s\nSDK:  %s", target, got, want)
		}
	})
}

func TestParseHTTPRefuses(t *testing.T) {
	t.Parallel()
	const query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260301%2Feu-central-1%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20260301T100000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=60&X-Amz-Signature="
	mac := strings.Repeat("0a", 32)
	tests := []struct {
		name, query, auth string
		kind              sigv4.Kind
		reason            sigv4.Reason
	}{
		{"unsigned", "", "", sigv4.Missing, sigv4.Unspecified},
		{"header and query", query + mac, "AWS4-HMAC-SHA256 x=y", sigv4.Incomplete, sigv4.TwoForms},
		{"header and a token in the query", "X-Amz-Security-Token=a", "AWS4-HMAC-SHA256 x=y", sigv4.Incomplete, sigv4.TwoForms},
		{"header and version 2 in the query", "Signature=a", "AWS4-HMAC-SHA256 x=y", sigv4.Incomplete, sigv4.TwoForms},
		{"version 2 in the query", "AWSAccessKeyId=a&Signature=a&Expires=1", "", sigv4.Incomplete, sigv4.OtherAlgorithm},
		{"version 2 in the header", "", "AWS AKID:abc", sigv4.Incomplete, sigv4.OtherAlgorithm},
		{"bearer", "", "Bearer abc", sigv4.Incomplete, sigv4.OtherAlgorithm},
		{"version 4A in the header", "", "AWS4-ECDSA-P256-SHA256 Credential=a", sigv4.Incomplete, sigv4.OtherAlgorithm},
		{"version 4A in the query", strings.Replace(query, "HMAC", "ECDSA-P256", 1) + mac, "", sigv4.Incomplete, sigv4.OtherAlgorithm},
		{"a part missing", strings.Replace(query, "X-Amz-Date", "Date", 1) + mac, "", sigv4.Incomplete, sigv4.Unspecified},
		{"a part twice", query + mac + "&X-Amz-Date=20260301T100000Z", "", sigv4.Incomplete, sigv4.Unspecified},
		{"a part twice, encoded", query + mac + "&X-Amz%2dDate=20260301T100000Z", "", sigv4.Incomplete, sigv4.Unspecified},
		{"no expiry", strings.Replace(query, "X-Amz-Expires", "Expires", 1) + mac, "", sigv4.Incomplete, sigv4.Unspecified},
		{"expiry of words", strings.Replace(query, "=60", "=1m", 1) + mac, "", sigv4.Incomplete, sigv4.BadExpiry},
		{"expiry with a sign", strings.Replace(query, "=60", "=%2B60", 1) + mac, "", sigv4.Incomplete, sigv4.BadExpiry},
		{"expiry of zero", strings.Replace(query, "=60", "=0", 1) + mac, "", sigv4.Incomplete, sigv4.BadExpiry},
		{"negative expiry", strings.Replace(query, "=60", "=-1", 1) + mac, "", sigv4.Incomplete, sigv4.BadExpiry},
		{"more than a week", strings.Replace(query, "=60", "=604801", 1) + mac, "", sigv4.Incomplete, sigv4.BadExpiry},
		{"scope of another day", strings.Replace(query, "20260301%2F", "20260302%2F", 1) + mac, "", sigv4.Invalid, sigv4.BadScope},
		{"four parts", strings.Replace(query, "%2Fs3", "", 1) + mac, "", sigv4.Incomplete, sigv4.Unspecified},
		{"short signature", query + mac[2:], "", sigv4.Invalid, sigv4.Unspecified},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/b/k?"+tt.query, http.NoBody)
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
				r.Header.Set("X-Amz-Date", "20260301T100000Z")
			}
			_, err := sigv4.ParseHTTP(r)
			failed, ok := errors.AsType[*sigv4.Error](err)
			if !ok || failed.Kind != tt.kind || failed.Reason != tt.reason {
				t.Errorf("ParseHTTP = %#v, want kind %d, reason %d", err, tt.kind, tt.reason)
			}
		})
	}
}

func TestClockOfS3(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		service string
		life    time.Duration // 0 for a signature in the header
		age     time.Duration
		want    sigv4.Reason
	}{
		{"S3 within the skew", "s3", 0, sigv4.SkewS3, sigv4.Unspecified},
		{"S3 too old", "s3", 0, sigv4.SkewS3 + time.Second, sigv4.Skewed},
		{"S3 of the future", "s3", 0, -sigv4.SkewS3 - time.Second, sigv4.Skewed},
		{"presigned in its time", "s3", time.Hour, time.Hour, sigv4.Unspecified},
		{"presigned beyond its time", "s3", time.Hour, time.Hour + time.Second, sigv4.Expired},
		{"presigned, short, at once", "s3", time.Second, 2 * time.Second, sigv4.Expired},
		{"presigned early", "s3", time.Hour, -sigv4.SkewS3, sigv4.Unspecified},
		{"presigned too early", "s3", time.Hour, -sigv4.SkewS3 - time.Second, sigv4.NotYetValid},
		{"presigned for STS", "sts", time.Hour, 15 * time.Minute, sigv4.Unspecified},
		{"presigned for STS beyond 15 minutes", "sts", time.Hour, 15*time.Minute + time.Second, sigv4.Expired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &sigv4.Signature{Service: tt.service, Time: at, Presigned: tt.life > 0, Lifetime: tt.life}
			err := s.CheckClock(at.Add(tt.age))
			var got sigv4.Reason
			if failed, ok := errors.AsType[*sigv4.Error](err); ok {
				got = failed.Reason
			}
			if (err != nil) != (tt.want != sigv4.Unspecified) || got != tt.want {
				t.Errorf("CheckClock = %v, reason %d, want %d", err, got, tt.want)
			}
		})
	}
}
