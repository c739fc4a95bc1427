package trigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"cognate/internal/outbound"
)

// Lambda runs functions by the Lambda API's Invoke: AWS itself, or any endpoint
// that speaks it. Credentials and, where none is given, the endpoint
// (AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL) are found as AWS's tools find them.
type Lambda struct {
	options LambdaOptions

	mu      sync.Mutex
	clients map[string]*lambda.Client // by Region
	http    []*http.Client
}

// LambdaOptions says where the API is.
type LambdaOptions struct {
	// Endpoint is a URL in place of AWS's own. Without credentials, requests to
	// it are not signed.
	Endpoint string
	// Development signs with dummy credentials where there are none and the
	// endpoint is not AWS, whoever named the endpoint.
	Development bool
	// Function is the name at the endpoint, in place of the ARN.
	Function string
	// NoInstanceCredentials keeps from asking the machine's metadata service.
	NoInstanceCredentials bool
	// Load replaces how the AWS configuration is found.
	Load func(ctx context.Context, region string) (aws.Config, error)
}

// NewLambda makes the transport. Nothing is read or connected to before the
// first call.
func NewLambda(o LambdaOptions) *Lambda {
	return &Lambda{options: o, clients: map[string]*lambda.Client{}}
}

// Close drops idle connections.
func (l *Lambda) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.http {
		c.CloseIdleConnections()
	}
	return nil
}

// Invoke implements Transport.
func (l *Lambda) Invoke(ctx context.Context, in Invocation) (Result, error) {
	arn, err := ParseARN(in.ARN)
	if err != nil {
		return Result{}, &InvokeError{Name: NameNotFound, Err: err}
	}
	client, err := l.client(ctx, arn.Region)
	if err != nil {
		return Result{}, &InvokeError{Name: NameUnreachable, Err: outbound.Clean(err)}
	}
	name := in.ARN
	if l.options.Function != "" {
		name = l.options.Function
	}
	kind := types.InvocationTypeRequestResponse
	if in.Async {
		kind = types.InvocationTypeEvent
	}
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: kind, Payload: in.Payload})
	if err != nil {
		return Result{}, lambdaError(err, aws.ToString(client.Options().BaseEndpoint))
	}
	return Result{Payload: out.Payload, Failed: aws.ToString(out.FunctionError) != ""}, nil
}

// lambdaError names what went wrong: what the API said, or that nothing was said.
func lambdaError(err error, endpoint string) error {
	clean := outbound.Clean(err, endpoint)
	if errors.Is(err, errTooLarge) {
		return &InvokeError{Name: NameResponseTooLarge, Err: clean}
	}
	var said smithy.APIError
	if errors.As(err, &said) && shortName.MatchString(said.ErrorCode()) {
		return &InvokeError{Name: said.ErrorCode(), Err: clean} // Not tried again, not even after a 5xx.
	}
	return &InvokeError{Name: NameUnreachable, Retry: true, Err: clean}
}

// shortName keeps what an endpoint made up out of the texts that clients see.
var shortName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,99}$`)

func (l *Lambda) client(ctx context.Context, region string) (*lambda.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.clients[region]; ok {
		return c, nil
	}
	load := l.options.Load
	if load == nil {
		load = loadAWS(l.options.NoInstanceCredentials || l.options.Endpoint != "")
	}
	cfg, err := load(ctx, region)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	cfg.Region = region
	client := outbound.NewAWSClient(cfg)
	client.Transport = bounded{client.Transport}
	cfg.HTTPClient = client
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} } // Attempts are the service's to make.
	if l.options.Endpoint != "" {
		cfg.BaseEndpoint = &l.options.Endpoint
	}
	c := lambda.NewFromConfig(cfg)
	// The SDK has found the endpoint that its own variables name by now.
	if endpoint := aws.ToString(c.Options().BaseEndpoint); !outbound.IsAWS(endpoint) && !outbound.HasCredentials(ctx, cfg) {
		switch {
		case l.options.Development:
			cfg.Credentials = outbound.Dummy()
			c = lambda.NewFromConfig(cfg)
		case l.options.Endpoint != "":
			cfg.Credentials = aws.AnonymousCredentials{}
			c = lambda.NewFromConfig(cfg)
		}
	}
	l.clients[region], l.http = c, append(l.http, client)
	return c, nil
}

// loadAWS finds an AWS configuration as AWS's tools do, without the machine's
// metadata service where that is not to be asked.
func loadAWS(noInstance bool) func(ctx context.Context, region string) (aws.Config, error) {
	return func(ctx context.Context, region string) (aws.Config, error) {
		options := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(region)}
		if noInstance {
			options = append(options, awsconfig.WithEC2IMDSClientEnableState(imds.ClientDisabled))
		}
		return awsconfig.LoadDefaultConfig(ctx, options...)
	}
}

var errTooLarge = errors.New("the answer is too large")

// bounded fails the reading of answers that are too large, so that nobody
// keeps them in memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{ReadCloser: res.Body, left: MaxPayload}
	}
	return res, err
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
