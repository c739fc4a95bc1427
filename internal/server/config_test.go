package server_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestRefusedSettings starts servers that must not start.
func TestRefusedSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		mode   server.Mode
		change func(*server.Config)
		want   string
	}{
		{"dev beyond loopback", server.Dev, func(c *server.Config) { c.Listen = "0.0.0.0:0" }, "loopback"},
		{"dev's private listener beyond loopback", server.Dev, func(c *server.Config) { c.PrivateListen = ":0" }, "loopback"},
		{"dev behind a proxy", server.Dev, func(c *server.Config) { c.TrustedProxy = []string{"10.0.0.0/8"} }, "cognate serve"},
		{"account", server.Dev, func(c *server.Config) { c.AccountID = "1" }, "12 digits"},
		{"issuer", server.Dev, func(c *server.Config) { c.IssuerBase = "id.example.com" }, "issuer-base"},
		{"issuer with a query", server.Dev, func(c *server.Config) { c.IssuerBase = "https://id.example.com?x" }, "issuer-base"},
		{"half of TLS", server.Dev, func(c *server.Config) { c.TLSCert = "x" }, "both"},
		{"TLS files that are not there", server.Dev, func(c *server.Config) { c.TLSCert, c.TLSKey = "/nonexistent/c", "/nonexistent/k" }, "no such file"},
		{"proxy", server.Serve, func(c *server.Config) { c.TrustedProxy = []string{"proxy.example.com"} }, "CIDR block"},
		{"database", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "mysql://user:s3cret@host/db" }, "postgres://"},
		{"a blank in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret word@host/db" }, "%20"},
		{"a slash in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret/word@host/db" }, "%2F"},
		{"a number sign in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret#word@host/db" }, "%23"},
		{"a per cent sign in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret%word@host/db" }, "%25"},
		{"a blank in the mail server's password", server.Serve, func(c *server.Config) {
			c.MailFrom, c.SMTPURL = "a@example.com", "smtp://u:s3cret word@mail.example.com"
		}, "%20"},
		{"unsigned in serve", server.Serve, func(c *server.Config) { c.AllowUnsigned = true }, "only for cognate dev"},
		{"exposed in serve", server.Serve, func(c *server.Config) { c.Expose = true }, "only for cognate dev"},
		{"dev TLS in serve", server.Serve, func(c *server.Config) { c.HTTPS = true }, "only for cognate dev"},
		{"dev TLS for others", server.Dev, func(c *server.Config) { c.HTTPS, c.HTTPSListen = true, "0.0.0.0:9443" }, "https-listen"},
		{"a name without TLS", server.Dev, func(c *server.Config) { c.HTTPSName = []string{"id.example.test"} }, "https"},
		{"an address as a name", server.Dev, func(c *server.Config) { c.HTTPS, c.HTTPSName = true, []string{"10.0.0.1"} }, "https-name"},
		{"pages in serve", server.Serve, func(c *server.Config) { c.AllowOrigin = []string{"https://app.example.com"} }, "only for cognate dev"},
		{"every page", server.Dev, func(c *server.Config) { c.AllowOrigin = []string{"*"} }, "allow-origin"},
		{"a page, not an origin", server.Dev, func(c *server.Config) { c.AllowOrigin = []string{"https://app.example.com/x"} }, "has a path"},
		{"serve in the clear", server.Serve, func(c *server.Config) { c.PlainHTTP = false }, "must be encrypted on their way"},
		{"plain HTTP beyond loopback", server.Serve, func(c *server.Config) { c.Listen = ":0" }, "loopback"},
		{"no place for data", server.Serve, func(c *server.Config) { c.Data = "" }, "--data"},
		{"two places for data", server.Serve, func(c *server.Config) { c.Database = "postgres://localhost/x" }, "not both"},
		{"no key-encryption key", server.Serve, func(c *server.Config) { c.KEKFile = "" }, "COGNATE_KEK"},
		{"key-encryption key that is not there", server.Serve, func(c *server.Config) { c.KEKFile += "x" }, "no such file"},
		{"no issuer", server.Serve, func(c *server.Config) { c.IssuerBase = "" }, "issuer-base"},
		{"not migrated", server.Serve, func(c *server.Config) { c.Data = filepath.Join(c.Data, "new") }, "the database is empty: run cognate migrate"},
		{"webhook without a secret", server.Serve, func(c *server.Config) { c.SMSWebhookURL = "https://sms.example.com" }, "sms-webhook-secret"},
		{"mail without a sender", server.Serve, func(c *server.Config) { c.SMTPURL = "smtp://u:s3cret@mail.example.com" }, "sender"},
		{"logs to an unknown place", server.Serve, func(c *server.Config) { c.LogDeliveryS3 = "ftp://u:s3cret@host" }, "log-delivery-s3"},
		{"a Region of log groups", server.Dev, func(c *server.Config) { c.LogDeliveryCloudWatch = "aws?region=eu-west-1" }, "log-delivery-cloudwatch-logs"},
		{"logs that wait for too long", server.Serve, func(c *server.Config) { c.LogDeliveryKeep = 400 * time.Hour }, "log-delivery-keep"},
		{"metrics twice", server.Serve, func(c *server.Config) { c.CloudWatchRegion, c.MetricsEMF = "eu-west-1", "stdout:" }, "metrics-emf"},
		{"metrics to a bucket", server.Serve, func(c *server.Config) { c.MetricsEMF = "s3://bucket?region=eu-west-1" }, "must begin with stdout"},
		{"thresholds that do not rise", server.Dev, func(c *server.Config) { c.RiskMedium = 20 }, "risk-medium"},
		{"a negative learning period", server.Dev, func(c *server.Config) { c.RiskLearning = -1 }, "risk-learning"},
		{"small requests", server.Serve, func(c *server.Config) { c.MaxRequestBytes = 10 }, "max-request-bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serving.Dev(t)
			if tt.mode == server.Serve {
				c = serving.Serve(t)
			}
			tt.change(&c)
			s, err := server.Start(t.Context(), c)
			if err == nil {
				_ = s.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %q, want %q in it, and no secret", err, tt.want)
			}
		})
	}
}
