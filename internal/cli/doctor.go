package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/internal/server/certificate"
	"cognate/internal/server/datakeys"
	"cognate/internal/store"
)

type doctorCommand struct {
	For string `default:"serve" enum:"serve,dev" help:"The mode to check: serve or dev."`
}

// Run checks everything that can be checked without serving. It changes nothing.
func (d doctorCommand) Run(ctx context.Context, c *server.Config, p *Process, app *kong.Kong) error {
	c.Mode = server.Serve
	if d.For == "dev" {
		c.Mode = server.Dev
	}
	*c = c.WithDefaults()
	x := &examination{config: c, out: p.Stdout}
	for _, message := range unknownVariables(p.Environ, app.Model.Flags) {
		x.warn("environment", "%s; see docs/configuration.md for the names", message)
	}
	x.settings()
	x.certificate()
	x.listeners(ctx)
	x.senders(ctx)
	x.gateway(ctx)
	x.riskFiles()
	kek := x.kek()
	x.folder()
	x.database(ctx, kek)
	switch {
	case x.failures > 0:
		fmt.Fprintf(p.Stdout, "\n%d problems, %d warnings\n", x.failures, x.warnings)
		return errSilent
	case x.warnings > 0:
		fmt.Fprintf(p.Stdout, "\nno problems, %d warnings\n", x.warnings)
	default:
		fmt.Fprintln(p.Stdout, "\nall is well")
	}
	return nil
}

// examination gathers findings, one line each.
type examination struct {
	config             *server.Config
	out                io.Writer
	failures, warnings int
}

func (x *examination) ok(what, format string, args ...any) {
	x.say("ok", what, format, args)
}

// warn and fail end with what to do.
func (x *examination) warn(what, format string, args ...any) {
	x.warnings++
	x.say("warn", what, format, args)
}

func (x *examination) fail(what, format string, args ...any) {
	x.failures++
	x.say("FAIL", what, format, args)
}

// say prints a finding. The errors in it may quote addresses.
func (x *examination) say(verdict, what, format string, args []any) {
	for i, a := range args {
		if err, ok := a.(error); ok {
			args[i] = outbound.Clean(err)
		}
	}
	fmt.Fprintf(x.out, "%-5s %-14s %s\n", verdict, what, fmt.Sprintf(format, args...))
}

func (x *examination) settings() {
	err := x.config.Check()
	if err == nil {
		x.ok("configuration", "is valid for cognate %s", map[server.Mode]string{server.Dev: "dev", server.Serve: "serve"}[x.config.Mode])
	} else if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range list.Unwrap() {
			x.fail("configuration", "--%v", e)
		}
	}
	if u, err := url.Parse(x.config.IssuerBase); err == nil && u.Scheme == "http" && x.config.Mode == server.Serve {
		x.warn("issuer-base", "is not https: OIDC libraries refuse such issuers outside of development")
	}
}

// expiryWarning is how long before an expiry doctor warns.
const expiryWarning = 14 * 24 * time.Hour

func (x *examination) certificate() {
	c := x.config
	if c.TLSCert == "" {
		return
	}
	cert, err := certificate.Read(c.TLSCert, c.TLSKey, c.Now())
	if err != nil {
		return // settings has said so
	}
	switch left := cert.Leaf.NotAfter.Sub(c.Now()); {
	case left < expiryWarning:
		x.warn("tls-cert", "expires %s; renew it", cert.Leaf.NotAfter.Format(time.DateOnly))
	default:
		x.ok("tls-cert", "valid until %s", cert.Leaf.NotAfter.Format(time.DateOnly))
	}
	if info, err := os.Stat(c.TLSKey); err == nil && info.Mode().Perm()&0o077 != 0 {
		x.warn("tls-key", "others can read %s (mode %04o); run chmod 600 on it", c.TLSKey, info.Mode().Perm())
	}
}

func (x *examination) listeners(ctx context.Context) {
	for _, l := range []struct{ what, addr string }{
		{"listen", x.config.Listen}, {"private-listen", x.config.PrivateListen}, {"health-listen", x.config.HealthListen},
		{"gateway-listen", x.config.GatewayListen},
	} {
		if l.addr == server.ListenerOff || l.addr == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.addr)
		if err != nil {
			x.warn(l.what, "%v; this is correct if the server is running, else choose another --%s", err, l.what)
			continue
		}
		_ = listener.Close()
		x.ok(l.what, "%s is free", l.addr)
	}
	if host, _, err := net.SplitHostPort(x.config.PrivateListen); err == nil && x.config.Mode == server.Serve && !server.IsLoopback(x.config.PrivateListen) {
		x.warn("private-listen", "listens on %q and does not authenticate requests; make sure that a firewall protects it", host)
	}
}

// gateway asks the store and the services behind the gateway whether they are there.
func (x *examination) gateway(ctx context.Context) {
	c := x.config
	if c.GatewayListen == "" {
		return
	}
	if c.GatewayStore != "" {
		if err := c.CheckGateway(ctx); err != nil {
			x.warn("gateway-store", "%v; the gateway answers ServiceUnavailable or the store's error until the store accepts the gateway's key", err)
		} else {
			x.ok("gateway-store", "the store answers and accepts the gateway's key")
		}
		if u, err := url.Parse(c.GatewayStore); err == nil && u.Scheme == "http" && !server.IsLoopback(u.Host) && c.Mode == server.Serve {
			x.warn("gateway-store", "is not https: make sure that nobody else can listen on the network between the gateway and the store")
		}
	}
	services, err := c.GatewayBackends()
	if err != nil {
		return // settings has said so
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		x.dial(ctx, "gateway "+name, services[name], map[string]string{"http": "80", "https": "443"}[services[name].Scheme], "requests of it answer ServiceUnavailable until it answers")
	}
}

// riskFiles checks the files of threat protection. The server also starts without them.
func (x *examination) riskFiles() {
	for _, f := range x.config.RiskFiles() {
		if f.Problem != "" {
			x.warn(f.Name, "%s: %s", f.Path, f.Problem)
		} else {
			x.ok(f.Name, "%s can be used", f.Path)
		}
	}
}

// senders checks the senders of mail and SMS.
func (x *examination) senders(ctx context.Context) {
	c := x.config
	if c.Mode == server.Dev {
		return
	}
	if err := c.CheckSenders(ctx); err != nil {
		x.fail("messages", "%v", err)
		return
	}
	if c.SMTPURL == "" {
		x.warn("smtp-url", "no mail server is configured: pools that verify or recover by e-mail answer CodeDeliveryFailureException")
	} else if u, err := url.Parse(string(c.SMTPURL)); err == nil {
		x.dial(ctx, "smtp-url", u, map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme], messagesWait)
	}
	if c.SMSWebhookURL == "" && c.SNSRegion == "" {
		x.warn("sms", "no sender of SMS is configured: pools that verify or recover by phone answer CodeDeliveryFailureException")
	} else if u, err := url.Parse(string(c.SMSWebhookURL)); err == nil && c.SMSWebhookURL != "" {
		x.dial(ctx, "sms-webhook", u, map[string]string{"http": "80", "https": "443"}[u.Scheme], messagesWait)
	}
}

const messagesWait = "messages wait in the outbox until it answers"

// dial connects to a server. Without an answer it warns of the consequence.
func (x *examination) dial(ctx context.Context, what string, u *url.URL, defaultPort, consequence string) {
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		x.warn(what, "%v; %s", err, consequence)
		return
	}
	_ = conn.Close()
	x.ok(what, "%s answers", u.Hostname())
}

// kek opens the key-encryption key; nil if that is not possible.
func (x *examination) kek() *keys.KEK {
	c := x.config
	var kek *keys.KEK
	var err error
	switch {
	case c.KEK != "":
		kek, err = keys.ParseKEK(string(c.KEK))
	case c.KEKFile != "":
		kek, err = keys.ReadKEKFile(c.KEKFile)
		if c.Mode == server.Dev && errors.Is(err, fs.ErrNotExist) {
			x.ok("kek", "%s will be made at the first start", c.KEKFile)
			return nil
		}
	default:
		return nil // settings has said so
	}
	if err != nil {
		x.fail("kek", "%v", err)
		return nil
	}
	x.ok("kek", "key %s; keep a copy of it in another place than the backups of the database", kek.ID())
	return kek
}

// leastFree is how much free space a data folder should have.
const leastFree = 256 << 20

func (x *examination) folder() {
	c := x.config
	if c.Database != "" || c.Data == "" {
		return
	}
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.ok("data", "%s will be made", c.Data)
		return
	case err != nil:
		x.fail("data", "%v", err)
		return
	case !info.IsDir():
		x.fail("data", "%s is not a folder", c.Data)
		return
	case info.Mode().Perm()&0o077 != 0:
		x.warn("data", "others can look into %s (mode %04o); run chmod 700 on it", c.Data, info.Mode().Perm())
	}
	f, err := os.CreateTemp(c.Data, ".doctor-*")
	if err != nil {
		x.fail("data", "cannot be written: %v", err)
		return
	}
	_, _ = f.Close(), os.Remove(f.Name())
	if free, ok := server.FreeBytes(c.Data); ok && free < leastFree {
		x.warn("data", "only %d MiB are free; sign-ups and changes are refused when the disk is full", free>>20)
		return
	}
	x.ok("data", "%s can be written", c.Data)
}

func (x *examination) database(ctx context.Context, kek *keys.KEK) {
	c := x.config
	o := store.Options{URL: string(c.Database), Now: c.Now, Log: c.Logger(), MaxConns: 2, StatementTimeout: c.DatabaseTimeout}
	if o.URL == "" {
		if c.Data == "" {
			return
		}
		o.Path = c.DatabaseFile()
		if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
			x.absent()
			return
		}
	}
	x.encryption()
	st, err := store.Open(ctx, o)
	switch {
	case errors.Is(err, store.ErrBusy):
		x.ok("database", "a running server uses it; to check the data, too, stop that server")
		return
	case errors.Is(err, store.ErrEmpty):
		defer st.Close()
		x.fail("schema", "the database is empty; run cognate migrate to make the tables")
		x.durability(ctx, st)
		return
	case errors.Is(err, store.ErrSchemaOld):
		defer st.Close()
		x.fail("schema", "is of an older version; make a backup, then run cognate migrate")
		return
	case errors.Is(err, store.ErrSchemaNew):
		x.fail("schema", "was written by a newer version of Cognate; run that version, or restore a backup")
		return
	case err != nil:
		x.fail("database", "%v", err)
		return
	}
	defer st.Close()
	x.ok("database", "%s answers and its schema is up to date", st.Engine())
	x.durability(ctx, st)
	x.clock(ctx, st)
	x.contents(ctx, st, kek)
}

func (x *examination) absent() {
	if x.config.Mode == server.Dev {
		x.ok("database", "will be made at the first start")
		return
	}
	x.fail("database", "there is no database in %s; run cognate migrate to make it", x.config.Data)
}

// maxSkew is how far this machine's clock and the database's may differ. Servers check
// tokens and codes by the times of other servers.
const maxSkew = 2 * time.Second

func (x *examination) clock(ctx context.Context, st *store.Store) {
	before := x.config.Now()
	theirs, err := st.Clock(ctx)
	after := x.config.Now()
	if err != nil {
		x.fail("clock", "%v", err)
		return
	}
	switch {
	case theirs.Before(before.Add(-maxSkew)):
		x.fail("clock", "this machine is %s ahead of the database's; set up NTP on both", before.Sub(theirs).Round(time.Millisecond))
	case theirs.After(after.Add(maxSkew)):
		x.fail("clock", "this machine is %s behind the database's; set up NTP on both", theirs.Sub(after).Round(time.Millisecond))
	default:
		x.ok("clock", "agrees with the database's")
	}
}

// contents checks that sealed values can be opened.
func (x *examination) contents(ctx context.Context, st *store.Store, kek *keys.KEK) {
	if kek == nil {
		return
	}
	records, err := datakeys.Load(ctx, st)
	if err != nil {
		x.fail("data keys", "%v", err)
		return
	}
	if len(records) == 0 {
		x.ok("data keys", "will be made at the first start")
		x.administrators(ctx, st)
		return
	}
	ring, _, err := keys.OpenRing(ctx, kek, records, x.config.Now())
	if errors.Is(err, keys.ErrWrongKEK) {
		x.fail("data keys", "%v; configure the key-encryption key that this database was used with", err)
		return
	}
	if err != nil {
		x.fail("data keys", "%v", err)
		return
	}
	x.ok("data keys", "all %d open", len(records))
	x.signingKeys(ctx, st, ring)
	x.administrators(ctx, st)
}

func (x *examination) signingKeys(ctx context.Context, st *store.Store, ring *keys.Ring) {
	n, bad := 0, 0
	err := st.EachPool(ctx, func(id string) error {
		rows, err := st.SigningKeys(ctx, id)
		if err != nil {
			return err
		}
		for _, row := range rows {
			n++
			if _, err := ring.Open(keys.PurposeSigningKey, []byte("signing_keys\x00"+id+"\x00"+row.KID), row.Sealed); err != nil {
				bad++
				x.fail("signing keys", "pool %s: %s: %v; restore it from a backup", id, row.KID, err)
			}
		}
		return nil
	})
	if err != nil {
		x.fail("signing keys", "%v", err)
	} else if bad == 0 {
		x.ok("signing keys", "all %d open", n)
	}
}

func (x *examination) administrators(ctx context.Context, st *store.Store) {
	if x.config.Mode == server.Dev {
		return
	}
	list, err := st.AccessKeys(ctx)
	switch {
	case err != nil:
		x.fail("access keys", "%v", err)
	case len(list) == 0:
		x.warn("access keys", "there are no access keys, so no one can administer; run cognate admin keys create --name NAME --policy admin")
	default:
		x.ok("access keys", "%d", len(list))
	}
}
