package cli

import (
	"context"
	"net/netip"
	"net/url"
	"strings"

	"cognate/internal/store"
)

// encryption checks the protection of connections to PostgreSQL. The server uses only the
// URL and PGSSLMODE.
func (x *examination) encryption() {
	u, err := url.Parse(string(x.config.Database))
	if err != nil || x.config.Database == "" || !leavesMachine(u) {
		return
	}
	switch mode := u.Query().Get("sslmode"); mode {
	case "verify-full":
		x.ok("sslmode", "connections are encrypted, and the database's certificate is verified")
	case "verify-ca":
		x.warn("sslmode", "verify-ca accepts the certificate of any host; use sslmode=verify-full")
	case "require":
		x.warn("sslmode", "require encrypts, but does not verify the server; use sslmode=verify-full with sslrootcert")
	case "":
		x.warn("sslmode", "is not in the database URL, so connections may be unencrypted; add sslmode=verify-full")
	default:
		x.warn("sslmode", "%s allows unencrypted connections; use sslmode=verify-full", mode[:min(len(mode), 20)])
	}
}

// leavesMachine reports whether connections go over a network: a host of the URL
// is neither a socket nor an address of this machine.
func leavesMachine(u *url.URL) bool {
	hosts := u.Query().Get("host")
	if u.Host != "" {
		hosts = u.Host
	}
	for host := range strings.SplitSeq(hosts, ",") {
		host = (&url.URL{Host: host}).Hostname()
		if host == "" || host == "localhost" || strings.HasPrefix(host, "/") {
			continue
		}
		if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() {
			continue
		}
		return true
	}
	return false
}

// durability checks the settings of PostgreSQL that decide whether acknowledged writes
// survive, and the number of connections.
func (x *examination) durability(ctx context.Context, st *store.Store) {
	if x.config.Database == "" {
		return
	}
	s, err := st.ServerSettings(ctx)
	if err != nil {
		x.fail("settings", "%v", err)
		return
	}
	if s.Fsync == "off" {
		x.fail("fsync", "is off: a crash of the database's machine can destroy everything; turn it on in postgresql.conf")
	} else {
		x.ok("fsync", "is %s", s.Fsync)
	}
	if s.SynchronousCommit == "off" {
		x.warn("sync. commit", "synchronous_commit is off: a crash loses the last acknowledged writes, such as changed passwords; turn it on")
	} else {
		x.ok("sync. commit", "synchronous_commit is %s", s.SynchronousCommit)
	}
	// One more connection than the pool's is for health checks.
	free, mine := s.MaxConnections-s.Reserved, x.config.DatabaseConnections+1
	switch {
	case mine > free:
		x.fail("connections", "this server uses up to %d, PostgreSQL allows %d in total; lower --database-connections or raise max_connections", mine, free)
	default:
		x.ok("connections", "this server uses up to %d, PostgreSQL allows %d in total: enough for %d such servers", mine, free, free/mine)
	}
}
