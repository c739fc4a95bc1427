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
	MetricsEMF          Secret `name:"metrics-emf" group:"Metrics and traces" placeholder:"ADDRESS" help:"Write Cognito's own metrics each minute as lines in CloudWatch's embedded metric format, in place of --cloudwatch-region: stdout:, file:PATH or cloudwatch-logs:GROUP?region=REGION. See docs/monitoring.md."`
	CloudWatchNamespace string `name:"cloudwatch-namespace" group:"Metrics and traces" placeholder:"NAME" help:"The namespace of the metrics. Default AWS/Cognito with --cloudwatch-endpoint, and Cognate without: Amazon CloudWatch takes no namespace that begins with AWS/."`
}

func (c *Config) checkCloudWatch(add addProblem) {
	if c.CloudWatchRegion == "" && (c.CloudWatchEndpoint != "" || c.CloudWatchNamespace != "" && c.MetricsEMF == "") {
		add("cloudwatch-region", "is required with --cloudwatch-endpoint and --cloudwatch-namespace")
	}
	if c.CloudWatchRegion != "" && c.MetricsEMF != "" {
		add("metrics-emf", "metrics go either to CloudWatch or into lines; set one of --cloudwatch-region and --metrics-emf")
	}
	if c.MetricsEMF != "" {
		if _, err := cloudwatch.OpenLines(context.Background(), string(c.MetricsEMF), c.sinkOptions()); err != nil {
			add("metrics-emf", "%s", err)
		}
	}
	if c.CloudWatchEndpoint == "" && cloudwatch.ForbidsAWS(c.CloudWatchNamespace) {
		add("cloudwatch-namespace", "Amazon CloudWatch takes no namespace that begins with AWS/")
	}
	if c.CloudWatchEndpoint != "" {
		u, err := url.Parse(string(c.CloudWatchEndpoint))
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
	d := cloudwatch.Deps{Namespace: c.namespace(), Now: c.machineNow(), Log: log}
	switch {
	case c.MetricsEMF != "":
		var err error
		if d.Lines, err = cloudwatch.OpenLines(ctx, string(c.MetricsEMF), c.sinkOptions()); err != nil {
			return nil, fmt.Errorf("metrics-emf: %w", err)
		}
	case c.CloudWatchRegion != "":
		cfg, err := c.awsConfig(ctx, c.CloudWatchRegion)
		if err != nil {
			return nil, fmt.Errorf("cloudwatch-region: %w", err)
		}
		if c.CloudWatchEndpoint != "" {
			cfg.BaseEndpoint = aws.String(string(c.CloudWatchEndpoint))
		}
		d.Client = cloudwatch.NewClient(ctx, cfg, c.Mode == Dev)
	default:
		return nil, nil
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
	d.Minutes = minutes
	return cloudwatch.New(d), nil
}
