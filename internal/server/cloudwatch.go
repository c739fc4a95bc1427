package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/audit"
	"cognate/internal/audit/cloudwatch"
)

// CloudWatchSettings are the settings of Cognito's own metrics in CloudWatch.
type CloudWatchSettings struct {
	CloudWatchRegion    string `name:"cloudwatch-region" group:"Metrics and traces" placeholder:"REGION" help:"Send Cognito's own metrics (SignInSuccesses and its kin) to CloudWatch in this Region each minute, with the credentials that the AWS SDK finds. See docs/monitoring.md."`
	CloudWatchEndpoint  Secret `name:"cloudwatch-endpoint" group:"Metrics and traces" placeholder:"URL" help:"An endpoint in place of AWS's own for CloudWatch. Needs --cloudwatch-region."`
	CloudWatchNamespace string `name:"cloudwatch-namespace" group:"Metrics and traces" placeholder:"NAME" help:"The namespace of the metrics. Default AWS/Cognito with --cloudwatch-endpoint, and Cognate without: Amazon CloudWatch takes no namespace that begins with AWS/."`
}

func (s *CloudWatchSettings) checkCloudWatch(add addProblem) {
	if s.CloudWatchRegion == "" && (s.CloudWatchEndpoint != "" || s.CloudWatchNamespace != "") {
		add("cloudwatch-region", "is required with --cloudwatch-endpoint and --cloudwatch-namespace")
	}
	if s.CloudWatchEndpoint == "" && cloudwatch.ForbidsAWS(s.CloudWatchNamespace) {
		add("cloudwatch-namespace", "Amazon CloudWatch takes no namespace that begins with AWS/")
	}
	if s.CloudWatchEndpoint != "" {
		u, err := url.Parse(string(s.CloudWatchEndpoint))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			add("cloudwatch-endpoint", "must be an http or https URL") // Never the text: it may hold a password.
		}
	}
}

// namespace returns the namespace of the metrics.
func (s *CloudWatchSettings) namespace() string {
	switch {
	case s.CloudWatchNamespace != "":
		return s.CloudWatchNamespace
	case s.CloudWatchEndpoint != "":
		return audit.NamespaceCognito
	}
	return "Cognate"
}

// newPublisher returns the publisher of metrics to CloudWatch; nil if none is configured.
func newPublisher(ctx context.Context, c *Config, m *audit.Metrics, log *slog.Logger) (*cloudwatch.Publisher, error) {
	if c.CloudWatchRegion == "" {
		return nil, nil
	}
	cfg, err := c.awsConfig(ctx, c.CloudWatchRegion)
	if err != nil {
		return nil, fmt.Errorf("cloudwatch-region: %w", err)
	}
	if c.CloudWatchEndpoint != "" {
		cfg.BaseEndpoint = aws.String(string(c.CloudWatchEndpoint))
	}
	minutes := audit.NewMinutes(c.machineNow())
	m.Gather(minutes)
	m.Gauge("cognate_cloudwatch_statistics_waiting", "Statistics that wait to be sent to CloudWatch.", func() float64 {
		waiting, _ := minutes.Waiting()
		return float64(waiting)
	})
	m.Counter("cognate_cloudwatch_statistics_dropped_total", "Statistics that were dropped because CloudWatch did not answer for too long.", func() float64 {
		_, dropped := minutes.Waiting()
		return float64(dropped)
	})
	return cloudwatch.New(cloudwatch.Deps{
		Minutes: minutes, Client: cloudwatch.NewClient(ctx, cfg, c.Mode == Dev), Namespace: c.namespace(), Now: c.machineNow(), Log: log,
	}), nil
}
