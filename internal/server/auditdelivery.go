package server

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"cognate/internal/audit/delivery"
	"cognate/internal/audit/sink"
)

// AuditDeliverySettings are the settings of the systems that get the records of the audit trail.
type AuditDeliverySettings struct {
	AuditTo            []Secret `name:"audit-to" sep:"none" group:"Audit trail" placeholder:"ADDRESS" help:"Send each record to this destination, too: file:PATH, stdout:, syslog+tcp://HOST:PORT (or +udp, +tls, +unix), an https URL, s3://BUCKET/PREFIX or cloudwatch-logs:GROUP. May be repeated. See docs/audit.md."`
	AuditWebhookSecret Secret   `name:"audit-webhook-secret" group:"Audit trail" placeholder:"SECRET" help:"Key that signs the requests to an https destination: 24 to 64 bytes in base64. Several keys, separated by spaces, all sign."`
}

// deliveryInterval is how often records are sent.
const deliveryInterval = time.Second

func (c *Config) checkAuditDelivery(add addProblem) {
	if len(c.AuditTo) > 0 && !c.records() {
		add("audit-to", "has no effect while the audit trail is off: set --audit on")
	}
	for _, err := range delivery.Check(context.Background(), c.auditAddresses(), c.sinkOptions()) {
		add("audit-to", "%s", err)
	}
}

func (c *Config) auditAddresses() []string {
	list := make([]string, len(c.AuditTo))
	for i, address := range c.AuditTo {
		list[i] = string(address)
	}
	return list
}

// sinkOptions returns what destinations need beside their addresses.
func (c *Config) sinkOptions() sink.Options {
	return sink.Options{
		Account: c.AccountID, WebhookSecret: string(c.AuditWebhookSecret), Development: c.Mode == Dev, Now: c.machineNow(), AWS: c.awsConfig,
	}
}

// awsConfig loads the configuration of the AWS SDK for calls of other services. An empty Region is the
// SDK's own.
func (c *Config) awsConfig(ctx context.Context, region string) (aws.Config, error) {
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(region)}
	if c.Mode == Dev { // as for triggers: a laptop has no metadata service
		options = append(options, awsconfig.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	return awsconfig.LoadDefaultConfig(ctx, options...)
}
