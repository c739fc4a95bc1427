package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"cognate/internal/message"
)

// CheckSenders reports what is wrong with the settings of mail and SMS. It sends
// nothing.
func (c *Config) CheckSenders(ctx context.Context) error {
	_, _, err := senders(ctx, c)
	return err
}

// senders returns what delivers mail and SMS. A sender that is not configured is nil.
func senders(ctx context.Context, c *Config) (mail, sms message.Sender, err error) {
	if c.SMTPURL != "" {
		s, err := message.ParseSMTP(string(c.SMTPURL), c.MailFrom, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("smtp-url: %w", err)
		}
		mail = s
	}
	switch {
	case c.SMSWebhookURL != "":
		s, err := message.NewWebhook(string(c.SMSWebhookURL), string(c.SMSWebhookSecret), nil, c.machineNow())
		if err != nil {
			return nil, nil, fmt.Errorf("sms-webhook-url: %w", err)
		}
		sms = s
	case c.SNSRegion != "":
		options := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(c.SNSRegion)}
		if c.Mode == Dev { // as for triggers: a laptop has no metadata service
			options = append(options, awsconfig.WithEC2IMDSClientEnableState(imds.ClientDisabled))
		}
		cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
		if err != nil {
			return nil, nil, fmt.Errorf("sns-region: %w", err)
		}
		if c.SNSEndpoint != "" {
			cfg.BaseEndpoint = aws.String(string(c.SNSEndpoint))
		}
		sms = message.NewSNS(ctx, cfg, c.Mode == Dev)
	}
	return mail, sms, nil
}
