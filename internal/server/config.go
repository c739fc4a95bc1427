package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"cognate/internal/iam/policy"
	"cognate/internal/keys"
	"cognate/internal/ratelimit"
	"cognate/internal/server/certificate"
	"cognate/internal/server/contents"
	"cognate/internal/server/edge"
	"cognate/internal/server/riskdata"
)

// Config holds every setting. The flags, the environment (COGNATE_ and the flag's name
// in capitals), the configuration file and docs/configuration.md are all made from this
// struct. A flag wins over the environment, the environment over the file, the file
// over the default. A section with checks of its own is a struct in the file that uses
// it.
type Config struct {
	ConfigFile string `name:"config" group:"Configuration" placeholder:"FILE" help:"Read settings from this YAML file: one on each line, named as the flag without dashes. Unknown names are refused."`

	Listen        string   `group:"Listeners" placeholder:"ADDR" help:"Address of the main listener: AWS operations, issuers and login pages. Default :9229; in dev 127.0.0.1:9229."`
	PrivateListen string   `group:"Listeners" placeholder:"ADDR" help:"Address of the private listener: /healthz, /readyz, /metrics and /debug/pprof. It must not be reachable from outside. Default 127.0.0.1:9230; \"off\" opens none."`
	HealthListen  string   `group:"Listeners" placeholder:"ADDR" help:"Address of a listener for load balancers. It has only /healthz and /readyz, not /metrics and /debug/pprof. Not opened by default."`
	TLSCert       string   `name:"tls-cert" group:"Listeners" placeholder:"FILE" help:"Certificate chain (PEM) of the main listener. A changed file is read within a minute, and at once on SIGHUP. A certificate that has expired or does not fit the key is refused."`
	TLSKey        string   `name:"tls-key" group:"Listeners" placeholder:"FILE" help:"Private key (PEM) of the certificate."`
	TrustedProxy  []string `group:"Listeners" placeholder:"CIDR" help:"Address blocks of the proxies in front. X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are accepted only from these."`
	PlainHTTP     bool     `name:"plain-http" group:"Listeners" help:"Let serve speak plain HTTP on a loopback address without a trusted proxy."`

	Data                string        `group:"Storage" placeholder:"DIR" help:"Folder of the embedded database (SQLite). Default in dev: .cognate."`
	Database            Secret        `group:"Storage" placeholder:"URL" help:"PostgreSQL to use instead of the embedded database: postgres://user:password@host/name?sslmode=verify-full."`
	DatabaseConnections int           `group:"Storage" default:"20" placeholder:"N" help:"The most connections to PostgreSQL that one server opens."`
	DatabaseTimeout     time.Duration `group:"Storage" placeholder:"TIME" help:"The longest that a statement of the database may take, and that a request waits for a connection. With the embedded database, the longest that a request waits for its turn to write. Must be less than --request-timeout. Default 5s, or half of --request-timeout if that is less. Imports and migrations have limits of their own."`
	KEKFile             string        `name:"kek-file" group:"Storage" placeholder:"FILE" help:"File that holds the key-encryption key: 32 bytes in base64. Only its owner may be able to read it. The variable COGNATE_KEK can hold the key itself instead. In dev a key is made in the data folder."`

	IssuerBase string `group:"Identity" placeholder:"URL" help:"Base of issuers: tokens carry URL/<pool id>. \"aws\" stands for AWS's own form, https://cognito-idp.<region>.amazonaws.com/<pool id>. Required by serve; in dev the default is http://localhost with the main listener's port."`
	PublicURL  string `name:"public-url" group:"Identity" placeholder:"URL" help:"URL by which clients reach this server, for the addresses that it returns, such as those of uploads. The default is the issuer base, or the main listener's own URL if that is \"aws\"."`
	AccountID  string `name:"account-id" group:"Identity" default:"123456789012" placeholder:"ID" help:"The AWS account id in ARNs: 12 digits."`

	MessageSettings
	TriggerSettings
	FederationSettings
	GatewaySettings
	IdentityPoolSettings
	CloudWatchSettings
	RiskSettings
	RetentionSettings
	AuditSettings
	TraceSettings
	RateLimitSettings
	AuditDeliverySettings
	LogDeliverySettings

	MaxRequestBytes int64          `group:"Limits" default:"2097152" placeholder:"N" help:"Largest request body, in bytes. The assets of managed login need 2 MB."`
	ImportMaxBytes  int64          `group:"Limits" default:"104857600" placeholder:"N" help:"Largest file of an import of users, in bytes."`
	RequestTimeout  time.Duration  `group:"Limits" default:"30s" placeholder:"TIME" help:"The longest that a request may take, from its first byte to the answer."`
	ShutdownTimeout time.Duration  `group:"Limits" default:"20s" placeholder:"TIME" help:"How long a stopping server waits for running requests."`
	DrainDelay      *time.Duration `group:"Limits" placeholder:"TIME" help:"How long /readyz answers 503 before the listeners close, so that a load balancer notices. Requests are still answered. Default 5s with --trusted-proxy, else 0s."`

	LogLevel  string `group:"Logs" default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"The lowest level that is logged: debug, info, warn or error."`
	LogFormat string `group:"Logs" default:"auto" enum:"auto,json,text" placeholder:"FORMAT" help:"json, text, or auto: text in dev, json otherwise."`

	ContentSettings

	AllowUnsigned bool `group:"Development" help:"Allow administrators' operations without a signature. Only for dev: serve does not start with it."`

	Functions string `group:"Development" placeholder:"DIR" help:"Folder of Lambda functions that dev runs itself: DIR/<function name>/ with index.mjs, index.js, app.py, lambda_function.py, main.go or an executable bootstrap. See docs/triggers.md."`

	Expose bool `group:"Development" help:"Let dev listen on other addresses than loopback, such as in a container whose port is published to this machine only. Every client that reaches it is an administrator and can read all mail."`
	HTTPSSettings
	DevelopmentSettings

	AllowOrigin []string `group:"Development" placeholder:"ORIGIN" help:"Allow web pages of this origin (https://app.example.com) to call administrators' operations of cognate dev. Its host may also be a name of this server. Pages of this machine are always allowed."`

	// The fields below are not settings. The commands and the tests set them.

	// Version is the version in the log and in the metrics.
	Version string `kong:"-"`
	// Warnings name variables of the environment that are no settings. They are logged
	// at the start.
	Warnings []string `kong:"-"`

	// url is the server's own, when it listens.
	url string

	// Mode is Dev or Serve.
	Mode Mode `kong:"-"`
	// KEK is the value of COGNATE_KEK. It has no flag: arguments are visible to every process.
	KEK Secret `kong:"-"`
	// Now is the clock; nil is the machine's.
	Now func() time.Time `kong:"-"`
	// machine is the clock for times that other programs check; nil is Now.
	machine func() time.Time
	// ownIssuer is true if the issuer base is not a setting, but the default of dev.
	ownIssuer bool
	// totp is the clock for codes of authenticator apps; nil is machine.
	totp func() time.Time
	// Log replaces the logger that LogLevel and LogFormat describe.
	Log *slog.Logger `kong:"-"`
	// RestartPatience is how long a reset of dev waits for running requests; 0 is changeover.DefaultPatience.
	RestartPatience time.Duration `kong:"-"`
	// Out gets the text for people: where the server listens. Nil: it is discarded.
	Out io.Writer `kong:"-"`
	// LogTo gets the log if Log is nil. Nil: the log is discarded.
	LogTo io.Writer `kong:"-"`
}

// Mode is one of the two ways to run.
type Mode uint8

const (
	// Dev is for a laptop or CI: loopback, any credentials, a visible inbox.
	Dev Mode = iota
	// Serve is for production: only known access keys may administer.
	Serve
)

// Secret is a setting that is never logged.
type Secret = keys.Secret

const (
	defaultServePort = ":9229"
	defaultDevListen = "127.0.0.1:9229"
	defaultPrivate   = "127.0.0.1:9230"
)

// DevData is the default data folder of dev.
const DevData = ".cognate"

// ListenerOff is the address that turns the private listener off.
const ListenerOff = "off"

// WithDefaults returns c with the defaults of its empty settings, which depend on the
// mode.
func (c Config) WithDefaults() Config {
	set := func(p *string, dev, serve string) {
		if *p == "" {
			*p = serve
			if c.Mode == Dev {
				*p = dev
			}
		}
	}
	set(&c.Listen, defaultDevListen, defaultServePort)
	set(&c.PrivateListen, defaultPrivate, defaultPrivate)
	if c.HTTPS {
		set(&c.HTTPSListen, defaultHTTPSListen, "")
	}
	set(&c.Data, DevData, "")
	set(&c.AccountID, "123456789012", "123456789012")
	if c.KEKFile == "" && c.KEK == "" && c.Mode == Dev {
		c.KEKFile = filepath.Join(c.Data, "kek")
	}
	c.IssuerBase = strings.TrimRight(c.IssuerBase, "/")
	if c.MaxRequestBytes == 0 {
		c.MaxRequestBytes = 2 << 20
	}
	set(&c.RateLimits, ratelimit.Off, ratelimit.Off)
	set(&c.AddressLimits, ratelimit.Off, ratelimit.On)
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 30 * time.Second
	}
	if c.DatabaseTimeout == 0 {
		c.DatabaseTimeout = min(5*time.Second, c.RequestTimeout/2)
	}
	c.AuditSettings = c.AuditSettings.withDefaults()
	if c.GatewayTimeout == 0 {
		c.GatewayTimeout = defaultGatewayTimeout
	}
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = 20 * time.Second
	}
	if c.DrainDelay == nil {
		c.DrainDelay = new(time.Duration)
		if len(c.TrustedProxy) > 0 {
			*c.DrainDelay = 5 * time.Second
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	if c.LogTo == nil {
		c.LogTo = io.Discard
	}
	return c
}

// machineNow returns the machine's clock. It differs from Now in dev, whose clock can be
// set.
func (c *Config) machineNow() func() time.Time {
	if c.machine != nil {
		return c.machine
	}
	return c.Now
}

// totpNow returns the clock by which authenticator apps are judged: the machine's, unless the clock
// of dev was set for these apps, too.
func (c *Config) totpNow() func() time.Time {
	if c.totp != nil {
		return c.totp
	}
	return c.machineNow()
}

// problem is one fault of the configuration, and what to do about it.
type problem struct {
	setting string
	text    string
}

func (p problem) Error() string { return p.setting + ": " + p.text }

// Check returns all faults of c, after WithDefaults. The error joins an error for each
// setting.
func (c *Config) Check() error {
	var wrong []error
	add := func(setting, format string, args ...any) {
		wrong = append(wrong, problem{setting, fmt.Sprintf(format, args...)})
	}
	c.checkCommon(add)
	c.checkHTTPS(c.Mode, add)
	c.checkDevelopment(c.Mode, add)
	c.ContentSettings.Check(c.Mode == Dev, add)
	if c.Mode == Dev {
		c.checkDev(add)
	} else {
		c.checkServe(add)
	}
	return errors.Join(wrong...)
}

// addProblem adds a fault of a setting.
type addProblem func(setting, format string, args ...any)

func (c *Config) checkCommon(add addProblem) {
	if len(c.AccountID) != 12 || strings.Trim(c.AccountID, "0123456789") != "" {
		add("account-id", "must be 12 digits")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		add("tls-cert", "set both --tls-cert and --tls-key, or neither")
	} else if c.TLSCert != "" {
		if _, err := certificate.Read(c.TLSCert, c.TLSKey, c.machineNow()()); err != nil {
			add("tls-cert", "%v; a running server keeps its old certificate", err)
		}
	}
	if _, err := c.trustedProxies(); err != nil {
		add("trusted-proxy", "%v", err)
	}
	if c.IssuerBase != "" && c.IssuerBase != edge.AWSIssuer {
		u, err := url.Parse(c.IssuerBase)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			add("issuer-base", "must be an http or https URL with a host, without query or fragment, or %q", edge.AWSIssuer)
		}
	}
	if c.Database != "" {
		u, err := url.Parse(string(c.Database))
		if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			add("database", "must be a postgres:// URL%s", urlHint(string(c.Database), err)) // Never the text: it holds a password.
		}
	}
	c.checkMessages(add)
	c.checkTriggers(add)
	c.checkFederation(add)
	c.checkGateway(add)
	c.checkIdentityPools(add)
	c.checkCloudWatch(add)
	if problem := c.APIProblem(IsLoopback); problem != "" {
		add("password-api", "%s", problem)
	}
	if c.Thresholds().Validate() != nil {
		add("risk-low", "--risk-low, --risk-medium and --risk-high must rise, from 1 to 100")
	}
	if c.RiskLearning < 0 {
		add("risk-learning", "must not be negative")
	}
	c.checkRetention(add)
	c.checkAudit(add)
	c.checkTraces(add)
	c.checkRateLimits(add)
	c.checkAuditDelivery(add)
	c.checkLogDelivery(add)
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			add("public-url", "must be an http or https URL with a host, without query or fragment")
		}
	}
	if c.ImportMaxBytes < 0 {
		add("import-max-bytes", "must not be negative")
	}
	if c.DatabaseTimeout < 0 || c.DatabaseTimeout >= c.RequestTimeout {
		add("database-timeout", "must be less than --request-timeout (%s), so that requests can answer that the database does not answer", c.RequestTimeout)
	}
	if *c.DrainDelay < 0 {
		add("drain-delay", "must not be negative")
	}
	if c.MaxRequestBytes < 64<<10 {
		add("max-request-bytes", "must be at least 65536: documented requests have that size")
	}
}

// urlHint returns a hint for a URL with a password that does not parse. The parser's
// own error would show the password.
func urlHint(text string, err error) string {
	if err == nil || !strings.Contains(text, "@") {
		return ""
	}
	return "; in a password, write blanks and the characters / ? # % @ : [ ] as %20 %2F %3F %23 %25 %40 %3A %5B %5D"
}

func (c *Config) checkDev(add addProblem) {
	for _, l := range []struct{ setting, addr string }{
		{"listen", c.Listen}, {"private-listen", c.PrivateListen}, {"health-listen", c.HealthListen}, {"https-listen", c.HTTPSListen},
	} {
		if l.addr != ListenerOff && l.addr != "" && !c.Expose && !IsLoopback(l.addr) {
			add(l.setting, "cognate dev takes any credentials and shows everyone's mail, so it listens on loopback addresses only, such as %s; use cognate serve for others, or --expose inside a container", defaultDevListen)
		}
	}
	for _, s := range c.AllowOrigin {
		if err := edge.CheckOrigin(s); err != nil {
			add("allow-origin", "%v", err)
		}
	}
	if len(c.TrustedProxy) > 0 {
		add("trusted-proxy", "is for cognate serve: other machines must not reach cognate dev")
	}
}

func (c *Config) checkServe(add addProblem) {
	if c.AllowUnsigned {
		add("allow-unsigned", "is only for cognate dev")
	}
	if len(c.AllowOrigin) > 0 {
		add("allow-origin", "is only for cognate dev: cognate serve requires a signature from all clients")
	}
	if c.Expose {
		add("expose", "is only for cognate dev")
	}
	if c.TLSCert == "" && len(c.TrustedProxy) == 0 && !(c.PlainHTTP && IsLoopback(c.Listen)) {
		add("tls-cert", "passwords and tokens must be encrypted on their way: set --tls-cert and --tls-key, or --trusted-proxy with the addresses of a proxy that does TLS, or --plain-http with a loopback --listen")
	}
	if c.PlainHTTP && !IsLoopback(c.Listen) {
		add("plain-http", "is only for a loopback --listen")
	}
	if c.Data == "" && c.Database == "" {
		add("data", "name the place of the data: --data DIR (embedded database) or --database URL (PostgreSQL)")
	}
	if c.Data != "" && c.Database != "" {
		add("data", "the data is in one place: set --data or --database, not both")
	}
	if c.KEKFile == "" && c.KEK == "" {
		add("kek-file", "set the key-encryption key: --kek-file FILE or COGNATE_KEK; make one with: openssl rand -base64 32")
	}
	if c.IssuerBase == "" {
		add("issuer-base", "set the issuer of tokens: --issuer-base https://id.example.com, or %q", edge.AWSIssuer)
	}
}

// RiskSettings are the data of threat protection.
type RiskSettings = riskdata.Settings

// ContentSettings say what fills a development server.
type ContentSettings = contents.Settings

// RiskFiles looks at the files of threat protection.
func (c *Config) RiskFiles() []riskdata.File { return riskdata.Files(&c.RiskSettings, c.machineNow()) }

// IsLoopback reports whether addr, host:port, can be reached only from this machine.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// trustedProxies reads the blocks of the proxies in front.
func (c *Config) trustedProxies() ([]netip.Prefix, error) { return addressBlocks(c.TrustedProxy) }

// addressBlocks reads address blocks. A single address is a block of one.
func addressBlocks(blocks []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range blocks {
		p, err := policy.ParseBlock(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
