package sink

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Record is one record of the audit trail.
type Record struct {
	// ID is unique, and the same whenever the record is sent.
	ID string
	At time.Time
	// Body is a JSON object on one line, without the line break.
	Body []byte
}

// A Batch limits what a sink takes at once.
type Batch struct {
	Records, Bytes int
	// Wait is how long records may wait for others, so that a batch is worth its object or
	// request.
	Wait time.Duration
}

// A Sink is a destination of records. Its methods are called by one goroutine.
type Sink interface {
	// Send sends records in their order. It returns nil once the destination has all of them.
	Send(ctx context.Context, records []Record) error
	// Batch returns the limits of one call of Send.
	Batch() Batch
	Close() error
}

// Options are what sinks need beside their address.
type Options struct {
	// Account is part of the names of S3 objects, as CloudTrail names them.
	Account string
	// WebhookSecret signs requests to webhooks, as Standard Webhooks writes it.
	WebhookSecret string
	// AWS loads the configuration of the AWS SDK. An empty Region is the SDK's own.
	AWS func(ctx context.Context, region string) (aws.Config, error)
	// Development signs requests with dummy credentials where the SDK finds no others and the
	// endpoint is not AWS.
	Development bool
	// Now is the clock of the machine.
	Now func() time.Time
}

// schemes are the kinds of addresses. Each has the names of its query parameters.
var schemes = map[string]struct {
	parameters []string
	open       func(ctx context.Context, u *url.URL, o Options) (Sink, error)
}{
	"file":            {[]string{"max-mib", "keep"}, openFile},
	"stdout":          {nil, openStdout},
	"syslog+udp":      {[]string{"facility"}, openSyslog},
	"syslog+tcp":      {[]string{"facility"}, openSyslog},
	"syslog+tls":      {[]string{"facility", "ca"}, openSyslog},
	"syslog+unix":     {[]string{"facility"}, openSyslog},
	"https":           {nil, openWebhook},
	"http":            {nil, openWebhook},
	"s3":              {[]string{"region", "endpoint", "path-style", "wait"}, openS3},
	"cloudwatch-logs": {[]string{"region", "endpoint", "stream"}, openLogs},
}

// Open returns the sink that an address names. It connects to nothing. The error never shows a
// secret of the address.
func Open(ctx context.Context, address string, o Options) (Sink, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address does not parse")
	}
	scheme, ok := schemes[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("%q is no kind of destination; the kinds are %s", u.Scheme, strings.Join(kinds(), ", "))
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		for name, values := range u.Query() {
			if !slices.Contains(scheme.parameters, name) || len(values) != 1 {
				return nil, fmt.Errorf("%s: the parameter %q is unknown or is there more than once", u.Scheme, name)
			}
		}
	}
	s, err := scheme.open(ctx, u, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Scheme, err)
	}
	return s, nil
}

// Identity returns an address without its parameters and its user, for comparisons only: the path
// of a webhook may be a secret.
func Identity(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.RawQuery, u.User, u.Fragment = "", nil, ""
	return u.String()
}

// Name returns an address without its secrets, for logs and metrics.
func Name(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "unknown"
	}
	switch u.Scheme {
	case "http", "https":
		return u.Scheme + "://" + u.Host // a path may hold a secret
	}
	u.RawQuery, u.User = "", nil
	return u.String()
}

func kinds() []string {
	names := make([]string, 0, len(schemes))
	for name := range schemes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// number returns a whole number among the parameters of an address.
func number(u *url.URL, name string, otherwise, least, most int) (int, error) {
	text := u.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s must be a number from %d to %d", name, least, most)
	}
	return n, nil
}

// lines returns the records as lines.
func lines(records []Record) []byte {
	size := 0
	for _, r := range records {
		size += len(r.Body) + 1
	}
	out := make([]byte, 0, size)
	for _, r := range records {
		out = append(append(out, r.Body...), '\n')
	}
	return out
}
