// Package cloudwatch publishes Cognito's own metrics to Amazon CloudWatch, or to an endpoint
// that is compatible with it, by PutMetricData. It sends one statistic set for each series
// and minute. Or it writes them as lines in the embedded metric format.
//
// While the endpoint does not answer, the statistics wait in memory (see [audit.Minutes]),
// and are sent when it answers again, each with the minute that it belongs to. A statistic
// set may be counted twice if the endpoint took it and the answer was lost.
package cloudwatch

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"cognate/internal/audit"
	"cognate/internal/audit/sink"
	"cognate/internal/outbound"
)

const (
	// batch is how many statistic sets one request has (CloudWatch: at most 1,000).
	batch = 500
	// requestTimeout bounds one request.
	requestTimeout = 10 * time.Second
	// Interval is how often the server calls Publish.
	Interval = 10 * time.Second
	// longestPause is the longest time between two tries.
	longestPause = 2 * time.Minute
)

// Deps are what a Publisher is built from.
type Deps struct {
	Minutes *audit.Minutes
	Client  *cloudwatch.Client
	// Lines gets the statistics in the embedded metric format, in place of Client.
	Lines sink.Sink
	// Namespace replaces AWS/Cognito. Other namespaces than Cognito's own get the metrics of
	// AWS/Usage, too, in Namespace/Usage.
	Namespace string
	Now       func() time.Time
	Log       *slog.Logger
}

// Publisher sends the statistics of finished minutes.
type Publisher struct {
	deps Deps
	// failures is how many tries in a row have failed, and next is when the next try may be.
	failures int
	next     time.Time
}

// NewClient returns the client of an endpoint. In development an endpoint that is not AWS may
// be used without credentials.
func NewClient(ctx context.Context, cfg aws.Config, development bool) *cloudwatch.Client {
	cfg.HTTPClient = outbound.NewAWSClient(cfg)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} } // The publisher tries again itself.
	client := cloudwatch.NewFromConfig(cfg)
	if development && !outbound.IsAWS(aws.ToString(client.Options().BaseEndpoint)) && !outbound.HasCredentials(ctx, cfg) {
		cfg.Credentials = outbound.Dummy()
		client = cloudwatch.NewFromConfig(cfg)
	}
	return client
}

// New returns a Publisher. Only one goroutine may use it.
func New(d Deps) *Publisher { return &Publisher{deps: d} }

// ForbidsAWS reports whether a namespace is one that Amazon CloudWatch keeps for AWS.
func ForbidsAWS(namespace string) bool { return strings.HasPrefix(namespace, "AWS/") }

// Publish sends what has waited for its minute to end. After failures it waits for a growing
// time, and does nothing before.
func (p *Publisher) Publish(ctx context.Context) error {
	if p.deps.Now().Before(p.next) {
		return nil
	}
	return p.publish(ctx, false)
}

// Flush sends everything, also of the minute that has not ended.
func (p *Publisher) Flush(ctx context.Context) error { return p.publish(ctx, true) }

func (p *Publisher) publish(ctx context.Context, unended bool) error {
	for {
		list := p.deps.Minutes.Take(unended)
		if len(list) == 0 {
			return nil
		}
		if err := p.sendMinute(ctx, list); err != nil {
			return err
		}
	}
}

// sendMinute sends the statistics of one minute. What could not be sent goes back.
func (p *Publisher) sendMinute(ctx context.Context, list []*audit.Statistics) error {
	for namespace, of := range p.byNamespace(list) {
		for len(of) > 0 {
			part := of[:min(batch, len(of))]
			err := p.send(ctx, namespace, part)
			switch {
			case err == nil:
				p.failures, p.next = 0, time.Time{}
			case isRefusal(err):
				// It would be refused again, and must not hold up the rest.
				p.deps.Log.ErrorContext(ctx, "metrics were refused and are lost", slog.Int("statistics", len(part)), slog.Any("error", p.clean(err)))
			default:
				p.failures++
				p.next = p.deps.Now().Add(min(Interval<<min(p.failures-1, 8), longestPause))
				p.putBack(list)
				return p.clean(err)
			}
			of = of[len(part):]
			for _, s := range part {
				s.Count = 0 // It is sent.
			}
		}
	}
	return nil
}

// clean hides the secrets of the endpoint's address.
func (p *Publisher) clean(err error) error {
	if p.deps.Client == nil {
		return err
	}
	return outbound.Clean(err, aws.ToString(p.deps.Client.Options().BaseEndpoint))
}

// putBack returns the statistics that were not sent.
func (p *Publisher) putBack(list []*audit.Statistics) {
	rest := make([]*audit.Statistics, 0, len(list))
	for _, s := range list {
		if s.Count > 0 {
			rest = append(rest, s)
		}
	}
	p.deps.Minutes.Return(rest)
}

func (p *Publisher) byNamespace(list []*audit.Statistics) map[string][]*audit.Statistics {
	m := map[string][]*audit.Statistics{}
	for _, s := range list {
		n := p.namespace(s.Namespace)
		m[n] = append(m[n], s)
	}
	return m
}

func (p *Publisher) namespace(of string) string {
	switch {
	case p.deps.Namespace == audit.NamespaceCognito:
		return of
	case of == audit.NamespaceUsage:
		return p.deps.Namespace + "/Usage"
	}
	return p.deps.Namespace
}

func (p *Publisher) send(ctx context.Context, namespace string, list []*audit.Statistics) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if p.deps.Lines != nil {
		return p.writeLines(ctx, namespace, list)
	}
	in := &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: make([]types.MetricDatum, 0, len(list))}
	for _, s := range list {
		in.MetricData = append(in.MetricData, datum(s))
	}
	_, err := p.deps.Client.PutMetricData(ctx, in)
	return err
}

func datum(s *audit.Statistics) types.MetricDatum {
	d := types.MetricDatum{
		MetricName: &s.Metric, Timestamp: &s.Minute, Unit: types.StandardUnitCount,
		StatisticValues: &types.StatisticSet{SampleCount: &s.Count, Sum: &s.Sum, Minimum: &s.Lowest, Maximum: &s.Upper},
	}
	for _, x := range s.Dimensions {
		if x.Value != "" {
			d.Dimensions = append(d.Dimensions, types.Dimension{Name: aws.String(x.Name), Value: aws.String(x.Value)})
		}
	}
	return d
}

// isRefusal reports whether the endpoint would refuse the same statistics again, whatever
// credentials they come with.
func isRefusal(err error) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch e.ErrorCode() {
	case "InvalidParameterValue", "InvalidParameterValueException", "InvalidParameterCombination", "InvalidParameterCombinationException",
		"MissingParameter", "MissingRequiredParameterException", "ValidationError", "ValidationException":
		return true
	}
	return false
}
