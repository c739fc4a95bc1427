package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/message"
)

// MessageSettings are the settings of mail and SMS.
type MessageSettings struct {
	MailFrom         string `group:"Messages" placeholder:"ADDRESS" help:"Sender of mail for pools that do not name one."`
	SMTPURL          Secret `name:"smtp-url" group:"Messages" placeholder:"URL" help:"Mail server: smtp://user:password@host:587 (STARTTLS required, or ?starttls=opportunistic) or smtps://user:password@host:465. ?starttls=none is for a relay on this machine. Needs --mail-from."`
	SMSWebhookURL    Secret `name:"sms-webhook-url" group:"Messages" placeholder:"URL" help:"URL of a gateway that gets each SMS as signed JSON by POST."`
	SMSWebhookSecret Secret `name:"sms-webhook-secret" group:"Messages" placeholder:"SECRET" help:"Key that signs the requests to the SMS webhook: at least 24 bytes in base64. Required with the URL."`
	SNSRegion        string `name:"sns-region" group:"Messages" placeholder:"REGION" help:"Send SMS through Amazon SNS in this Region, with the credentials that the AWS SDK finds."`
	SNSEndpoint      Secret `name:"sns-endpoint" group:"Messages" placeholder:"URL" help:"An endpoint in place of AWS's own for SNS."`
}

func (m *MessageSettings) checkMessages(add addProblem) {
	if m.SMSWebhookURL != "" && m.SMSWebhookSecret == "" {
		add("sms-webhook-secret", "is required with --sms-webhook-url: without it the receiver cannot verify the sender")
	}
	if m.SMSWebhookURL != "" && m.SNSRegion != "" {
		add("sns-region", "SMS go either to the webhook or to SNS; set one of --sms-webhook-url and --sns-region")
	}
}

// CheckSenders reports what is wrong with the settings of mail and SMS. It sends
// nothing.
func (c *Config) CheckSenders(ctx context.Context) error {
	_, _, err := senders(ctx, c)
	return err
}

// senders returns the senders of mail and SMS. A sender that is not configured is nil.
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
		cfg, err := c.awsConfig(ctx, c.SNSRegion)
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
