package outbound_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cognate/internal/outbound"
)

// early is an endpoint that writes the head of its answer before it has read the
// request's body, and the answer's body after that.
func early(t *testing.T, contentType, body string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, len(body))
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return
					}
					if _, err := io.WriteString(conn, body); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return "http://" + l.Addr().String()
}

// TestEarlyAnswers calls endpoints that answer before they have read all. No call
// may fail; none is tried twice.
func TestEarlyAnswers(t *testing.T) {
	// More than the sockets between the two hold.
	large := strings.Repeat("x", 5<<20)
	for _, test := range []struct {
		name, contentType, body string
		calls                   int
		call                    func(ctx context.Context, cfg aws.Config) error
	}{
		{"Lambda", "application/json", `"answer"`, 20, func(ctx context.Context, cfg aws.Config) error {
			name := "f"
			out, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`"` + large + `"`)})
			if err == nil && string(out.Payload) != `"answer"` {
				err = fmt.Errorf("answer %q", out.Payload)
			}
			return err
		}},
		{"KMS", "application/x-amz-json-1.1", `{"KeyId":"k","Plaintext":"AAAA","CiphertextBlob":"AAAA"}`, 20, func(ctx context.Context, cfg aws.Config) error {
			id := "k"
			_, err := kms.NewFromConfig(cfg).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
				KeyId: &id, KeySpec: types.DataKeySpecAes256, EncryptionContext: map[string]string{"a": large},
			})
			return err
		}},
		{"SNS", "text/xml", `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`, 20, func(ctx context.Context, cfg aws.Config) error {
			to := "+15555550100"
			_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{PhoneNumber: &to, Message: &large})
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			endpoint := early(t, test.contentType, test.body)
			cfg := aws.Config{
				Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: outbound.Dummy(),
				Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			}
			client := outbound.NewAWSClient(cfg)
			defer client.CloseIdleConnections()
			cfg.HTTPClient = client
			for i := range test.calls {
				if err := test.call(t.Context(), cfg); err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
			}
		})
	}
}

func TestIsAWS(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"": true, "https://lambda.eu-west-1.amazonaws.com": true, "https://vpce-1.lambda.eu-west-1.vpce.amazonaws.com/": true, "https://kms.cn-north-1.amazonaws.com.cn": true,
		"http://127.0.0.1:9001": false, "http://localhost:4566": false, "https://amazonaws.com.example.com": false, "https://lambda.example.com/amazonaws.com": false,
	} {
		if got := outbound.IsAWS(endpoint); got != want {
			t.Errorf("%q: %v", endpoint, got)
		}
	}
}
