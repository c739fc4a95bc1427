package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConnector connects to the first of several hosts that takes the connection. It begins with the host that took
// the last one: a host that is switched off costs its time-out once, and not for each connection of the pool.
type postgresConnector struct {
	hosts []pgx.ConnConfig
	last  atomic.Int64 // index of the host that took the last connection
}

// errPostgresURL does not show the text, which holds a password.
var errPostgresURL = errors.New("store: the database must be a postgres:// URL; in a password, write blanks and the characters / ? # % @ : [ ] " +
	"as %20 %2F %3F %23 %25 %40 %3A %5B %5D")

// parsePostgres reads the URL. The error of pgx masks what it takes for the password. In a text that is no URL, that is
// not all of it.
func parsePostgres(text string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errPostgresURL
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("store: PostgreSQL URL: %w", err)
	}
	return config, nil
}

// newPostgresConnector returns a connector to the hosts of the URL. A connection must be established in time for a
// statement, whichever host takes it.
func newPostgresConnector(text string, statement time.Duration) (*postgresConnector, error) {
	config, err := parsePostgres(text)
	if err != nil {
		return nil, err
	}
	defaults := map[string]string{
		"application_name": "cognate",
		// The server ends a slow statement itself, a little before the connection is closed.
		"statement_timeout":                   milliseconds(statement),
		"lock_timeout":                        milliseconds(lockTimeout(statement)),
		"idle_in_transaction_session_timeout": "30s",
		// Each statement walks one index whatever its values are. Planning it again for them, as PostgreSQL does where it
		// expects to save a little, costs more than running it.
		"plan_cache_mode": "force_generic_plan",
	}
	for name, value := range defaults {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	config.StatementCacheCapacity = 256
	c := &postgresConnector{}
	for _, h := range append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...) {
		if n := len(c.hosts); n > 0 && c.hosts[n-1].Host == h.Host && c.hosts[n-1].Port == h.Port {
			c.hosts[n-1].Fallbacks = append(c.hosts[n-1].Fallbacks, h) // sslmode=prefer and allow try each host twice
			continue
		}
		one := config.Copy()
		one.Host, one.Port, one.TLSConfig, one.Fallbacks = h.Host, h.Port, h.TLSConfig, nil
		c.hosts = append(c.hosts, *one)
	}
	for i := range c.hosts {
		if c.hosts[i].ConnectTimeout == 0 {
			c.hosts[i].ConnectTimeout = statement / time.Duration(len(c.hosts)+1)
		}
		if len(c.hosts) > 1 && c.hosts[i].ValidateConnect == nil {
			// Of several hosts all but one are standbys, which take no writes.
			c.hosts[i].ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
	return c, nil
}

// lockTimeout is shorter than the statement's limit, so that the error names the reason.
func lockTimeout(statement time.Duration) time.Duration { return statement * 4 / 5 }

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10)
}

// connectLimit returns the longest that connecting takes.
func (c *postgresConnector) connectLimit() time.Duration {
	var sum time.Duration
	for i := range c.hosts {
		sum += c.hosts[i].ConnectTimeout
	}
	return sum
}

// canFailOver reports whether a new connection may lead to another server than an old one.
func (c *postgresConnector) canFailOver() bool { return c.hosts[0].ValidateConnect != nil }

// each calls connect for each host until one takes the connection.
func (c *postgresConnector) each(ctx context.Context, connect func(pgx.ConnConfig) error) error {
	first := int(c.last.Load())
	var errs []error
	for n := range c.hosts {
		i := (first + n) % len(c.hosts)
		err := connect(c.hosts[i])
		if err == nil {
			c.last.Store(int64(i))
			return nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// Connect makes a connection for database/sql's pool.
func (c *postgresConnector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	err = c.each(ctx, func(config pgx.ConnConfig) error {
		conn, err = stdlib.GetConnector(config, stdlib.OptionAfterConnect(settlePlans)).Connect(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Driver is for database/sql.
func (c *postgresConnector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// settlePlans makes the planner take the index that each of our statements was written for. Left to itself it plans by
// the size that a table had at the last ANALYZE, and keeps reading a table whole that was empty when a server started.
func settlePlans(ctx context.Context, conn *pgx.Conn) error {
	for _, name := range []string{"enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "jit"} {
		_, err := conn.PgConn().Exec(ctx, "SET "+name+" = off").ReadAll()
		var refused *pgconn.PgError
		if err != nil && !errors.As(err, &refused) { // an engine without such a switch has no need of it
			return err
		}
	}
	return nil
}

// A postgresProbe asks the server for a sign of life on a connection of its own, so that a pool whose connections are all
// busy says nothing about the server. One goroutine at a time may use it.
type postgresProbe struct {
	connector *postgresConnector
	wait      time.Duration // for the answer
	conn      *pgx.Conn
}

func (p *postgresProbe) run(ctx context.Context) error {
	err := p.ping(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errNoAnswer) {
		err = p.ping(ctx) // the connection died while it was idle
	}
	return err
}

func (p *postgresProbe) ping(ctx context.Context) error {
	if p.conn == nil || p.conn.IsClosed() {
		connecting, cancel := context.WithTimeout(ctx, p.connector.connectLimit()+p.wait)
		defer cancel()
		err := p.connector.each(connecting, func(config pgx.ConnConfig) (err error) {
			p.conn, err = pgx.ConnectConfig(connecting, &config)
			return err
		})
		if isCrowded(err) && !p.connector.canFailOver() {
			return nil // it answers, and the connections of the pool go on
		}
		if err != nil {
			return postgresError(ctx, err)
		}
	}
	answering, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	err := p.conn.Ping(answering)
	if err == nil {
		return nil
	}
	late := answering.Err() != nil
	p.close()
	if late && ctx.Err() == nil {
		return noAnswer()
	}
	return postgresError(ctx, err)
}

// isCrowded reports whether a server has no connection to spare. Of several hosts it may be a standby that says so.
func isCrowded(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "53300"
}

func (p *postgresProbe) close() {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.wait)
	defer cancel()
	_ = p.conn.Close(ctx) // there is nothing left to say on it
	p.conn = nil
}
