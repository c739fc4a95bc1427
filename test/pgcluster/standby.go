package pgcluster

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Standby makes a cluster that follows this one, which must be Replicated, and starts it. It takes no writes until it is
// promoted.
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) {
	dir, err := os.MkdirTemp(socketParent(), "cognate-pg-")
	if err != nil {
		return nil, err
	}
	s := &Cluster{URL: databaseURL(dir, database), dir: dir, bin: c.bin, as: c.as}
	if err := s.follow(ctx, c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (c *Cluster) follow(ctx context.Context, primary *Cluster) error {
	if err := os.Chown(c.dir, c.as.uid, c.as.gid); err != nil {
		return err
	}
	k, err := startKeeper(c)
	if err != nil {
		return err
	}
	c.keeper = k
	err = c.run(ctx, "pg_basebackup", "--pgdata="+c.data(), "--host="+primary.dir, "--username="+role,
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, "unix_socket_directories='"+c.dir+"'\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return c.Start(ctx)
}

// Promote makes a standby the primary.
func (c *Cluster) Promote(ctx context.Context) error {
	return c.run(ctx, "pg_ctl", "--pgdata="+c.data(), "--wait", "--timeout=60", "--silent", "promote")
}

// HostsURL returns the URL of the database on whichever of the clusters takes writes.
func HostsURL(clusters ...*Cluster) string {
	var hosts []string
	for _, c := range clusters {
		hosts = append(hosts, c.dir)
	}
	u := url.URL{
		Scheme: "postgres", User: url.User(role), Path: "/" + database,
		RawQuery: url.Values{"host": {strings.Join(hosts, ",")}, "sslmode": {"disable"}, "target_session_attrs": {"read-write"}}.Encode(),
	}
	return u.String()
}
