package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"cognate/internal/audit"
	"cognate/internal/trigger"
	"cognate/internal/trigger/process"
)

// TriggerSettings are the settings of pools' functions. The folder of functions that
// dev runs itself is among the settings for development.
type TriggerSettings struct {
	Triggers        string        `group:"Triggers" placeholder:"FILE" help:"YAML file that says how functions are run (Lambda, webhook, folder) and how codes for custom senders are encrypted: see docs/triggers.md. Functions that it does not name are run by the Lambda API."`
	TriggerEndpoint Secret        `group:"Triggers" placeholder:"URL" help:"Endpoint that speaks the Lambda API. By default AWS_ENDPOINT_URL_LAMBDA and AWS_ENDPOINT_URL, as AWS's tools read them, else AWS itself."`
	TriggerAllow    []string      `group:"Triggers" placeholder:"CIDR" help:"Address blocks that webhooks may have in addition to public addresses. In dev also loopback."`
	TriggerAttempts int           `group:"Triggers" default:"1" placeholder:"N" help:"How often a function is called if it does not answer in time or cannot be reached: 1 to 3. With more than 1, it may run more than once for an event."`
	TriggerTimeout  time.Duration `group:"Triggers" placeholder:"TIME" help:"The longest that one attempt of a function may take. Default 5s, as in Cognito; set more to debug a function. Must be less than --request-timeout."`
	TriggerStrict   bool          `group:"Triggers" help:"Refuse answers of functions that are not the whole event, as Cognito does. Without it they are accepted with a warning."`
}

func (c *Config) checkTriggers(add addProblem) {
	if _, err := c.triggerAddresses(); err != nil {
		add("trigger-allow", "%v", err)
	}
	if c.TriggerAttempts < 0 || c.TriggerAttempts > trigger.MaxAttempts {
		add("trigger-attempts", "must be 1 to %d", trigger.MaxAttempts)
	}
	if c.TriggerTimeout < 0 || c.TriggerTimeout >= c.RequestTimeout {
		add("trigger-timeout", "must be less than --request-timeout (%s), so that requests can answer that their function does not answer", c.RequestTimeout)
	}
	if c.TriggerEndpoint != "" && !strings.HasPrefix(string(c.TriggerEndpoint), "https://") && !strings.HasPrefix(string(c.TriggerEndpoint), "http://") {
		add("trigger-endpoint", "must be a URL")
	}
	if c.Functions == "" {
		return
	}
	if c.Mode == Serve {
		add("functions", "is only for cognate dev: functions run as the server's own user, with access to its keys. Name a webhook or a Lambda endpoint in --triggers")
	} else if info, err := os.Stat(c.Functions); err != nil || !info.IsDir() {
		add("functions", "%s is not a folder", filepath.Clean(c.Functions))
	}
}

// triggers runs the functions of pools.
type triggers struct {
	*trigger.Service

	keys   *trigger.SenderKeys
	router *trigger.Router
	folder *process.Folder // nil without --functions
}

// newTriggers returns the service that runs functions. It uses the machine's clock, not
// the settable one: the receivers of webhooks compare with their own clocks.
func newTriggers(c *Config, metrics *audit.Metrics, log *slog.Logger) (_ *triggers, err error) {
	routes, err := readRoutes(c.Triggers)
	if err != nil {
		return nil, fmt.Errorf("triggers: %w", err)
	}
	allowed, err := c.triggerAddresses()
	if err != nil {
		return nil, fmt.Errorf("trigger-allow: %w", err)
	}
	t := &triggers{}
	if t.keys, err = trigger.NewSenderKeys(routes.Keys, trigger.KMSOptions{NoInstanceCredentials: c.Mode == Dev, Development: c.Mode == Dev}); err != nil {
		return nil, fmt.Errorf("triggers: keys: %w", err)
	}
	options := trigger.RouterOptions{
		Routes: routes.Functions, Allowed: allowed, Now: time.Now,
		Lambda: trigger.LambdaOptions{Endpoint: string(c.TriggerEndpoint), NoInstanceCredentials: c.Mode == Dev, Development: c.Mode == Dev},
	}
	if c.Functions != "" || c.Template != "" {
		if t.folder, err = openFunctions(c, log); err != nil {
			return nil, fmt.Errorf("functions: %w", err)
		}
		options.Local = t.folder
	}
	if t.router, err = trigger.NewRouter(options); err != nil {
		return nil, errors.Join(fmt.Errorf("triggers: functions: %w", err), t.close())
	}
	t.Service = trigger.New(trigger.Deps{
		Transport: t.router, Keys: t.keys, Attempts: c.TriggerAttempts, Strict: c.TriggerStrict, Timeout: c.TriggerTimeout, Now: time.Now, Log: log, Metrics: metrics,
	})
	return t, nil
}

func openFunctions(c *Config, log *slog.Logger) (*process.Folder, error) {
	env := map[string]string{"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
	if c.url != "" {
		// Handlers that call Cognito reach this server.
		env["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"] = c.url
	}
	return process.Open(process.Options{
		Dir: c.Functions, Env: env, Environ: os.Environ(), Output: &syncWriter{w: c.LogTo}, Log: log,
	})
}

// syncWriter serializes the writes of the functions' output.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (s *syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// close ends the functions' processes and drops connections.
func (t *triggers) close() error {
	var errs []error
	if t.router != nil {
		errs = append(errs, t.router.Close())
	}
	if t.folder != nil {
		errs = append(errs, t.folder.Close())
	}
	return errors.Join(errs...)
}

func readRoutes(path string) (trigger.Routes, error) {
	if path == "" {
		return trigger.Routes{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return trigger.Routes{}, err
	}
	routes, err := trigger.ParseRoutes(text)
	if err != nil {
		return trigger.Routes{}, fmt.Errorf("%s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && routes.Secrets() && runtime.GOOS != "windows" && info.Mode()&0o007 != 0 {
		return trigger.Routes{}, fmt.Errorf("%s holds secrets, and every user of this machine may read it: chmod o= %[1]s", path)
	}
	return routes, nil
}

// triggerAddresses returns the addresses that webhooks may have in addition to public
// ones.
func (c *Config) triggerAddresses() ([]netip.Prefix, error) {
	blocks, err := addressBlocks(c.TriggerAllow)
	if c.Mode == Dev {
		blocks = append(blocks, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return blocks, err
}
