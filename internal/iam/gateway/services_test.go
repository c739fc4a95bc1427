package gateway_test

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cognate/internal/iam/gateway"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/sigv4"
	"cognate/internal/outbound"
)

// backend is a service that accepts only requests with its own key.
func backend(t *testing.T, service, answer string, got *[]string) gateway.Backend {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s, err := sigv4.Parse(r.Header)
		if err == nil {
			err = s.CheckService(service)
		}
		if err == nil {
			q := sigv4.FromHTTP(r, body)
			q.BodyHash = sha256.Sum256(body)
			err = s.Verify(q, "backend-secret")
		}
		if err != nil || s.AccessKeyID != "backend-key" || r.Header.Get("X-Amz-Security-Token") != "" {
			t.Errorf("the backend's request: %v, %v", err, r.Header)
		}
		*got = append(*got, r.Header.Get("X-Amz-Target")+" "+string(body))
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Backend{URL: u, Region: "eu-central-1", AccessKeyID: "backend-key", Secret: "backend-secret"}
}

// TestServices calls services by the SDK.
func TestServices(t *testing.T) {
	t.Parallel()
	var got []string
	events := make(chan gateway.Event, 100) // An event may come after its answer.
	all := testCallers(t)
	all[annKey].Layers = identity(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"kms:Encrypt","Resource":"arn:aws:kms:eu-central-1:123456789012:key/ann"},
		{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:eu-central-1:123456789012:ann-*"}]}`)
	s, err := gateway.NewServices(gateway.ServicesConfig{
		Backends: map[string]gateway.Backend{
			"kms": backend(t, "kms", `{"KeyId":"ann","CiphertextBlob":"eA=="}`, &got),
			"sns": backend(t, "sns", `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`, &got),
		},
		Authority: all, Now: time.Now,
		Observe: func(_ context.Context, e *gateway.Event) { events <- *e },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	with := func(secretKey, token string) (*kms.Client, *sns.Client) {
		c := aws.Config{
			BaseEndpoint: aws.String(server.URL), Region: "eu-central-1", HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(annKey, secretKey, token),
		}
		return kms.NewFromConfig(c), sns.NewFromConfig(c)
	}
	keys, topics := with(secret+"ann", testToken)
	encrypt := func(c *kms.Client, id string) error {
		_, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String(id), Plaintext: []byte("x")})
		return err
	}
	publish := func(c *sns.Client, topic string) error {
		_, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:123456789012:" + topic), Message: aws.String("x")})
		return err
	}
	wrongKeys, wrongTopics := with("other", testToken)
	expired, expiredTopics := with(secret+"ann", "expired")
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"JSON", encrypt(keys, "ann"), ""},
		{"Query", publish(topics, "ann-news"), ""},
		{"JSON, denied", encrypt(keys, "bob"), "AccessDeniedException"},
		{"Query, denied", publish(topics, "bob-news"), "AccessDenied"},
		{"JSON, an alias", encrypt(keys, "alias/ann"), "ValidationException"},
		{"JSON, another secret", encrypt(wrongKeys, "ann"), "InvalidSignatureException"},
		{"Query, another secret", publish(wrongTopics, "ann-news"), "SignatureDoesNotMatch"},
		{"JSON, expired", encrypt(expired, "ann"), "ExpiredTokenException"},
		{"Query, expired", publish(expiredTopics, "ann-news"), "ExpiredToken"},
	}
	for _, tt := range tests {
		if c := code(tt.err); c != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, tt.err, tt.want)
		}
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], `TrentService.Encrypt {"KeyId":"ann"`) || !strings.Contains(got[1], "Action=Publish") {
		t.Errorf("the backends got %q", got)
	}
	statuses := map[string]int{}
	for range tests {
		e := <-events
		statuses[e.Code] = e.Status
	}
	if statuses["ExpiredToken"] != 403 {
		t.Errorf("events: %v", statuses)
	}
	if err := encrypt(keys, "bob"); !strings.Contains(err.Error(), "is not authorized to perform: kms:Encrypt on resource: arn:aws:kms:eu-central-1:123456789012:key/bob") {
		t.Errorf("message: %v", err)
	}
	if last := <-events; last.Decisions[0].Result.Decision != policy.ImplicitDeny {
		t.Errorf("event: %+v", last)
	}
	res, err := http.Post(server.URL+"/?Action=ListTopics", "application/x-www-form-urlencoded", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("a query beside a form: %d", res.StatusCode)
	}
}
