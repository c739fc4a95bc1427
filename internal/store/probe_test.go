package store

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"cognate/test/patience"
	"cognate/test/pgtest"
)

// TestProbeOfFullServer: a server that has no connection to spare answers. The connections of the pool go on, and must
// not be given up for it.
func TestProbeOfFullServer(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	role := "probe_" + strings.ToLower(rand.Text())
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE ROLE "+role+" LOGIN CONNECTION LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := conn.Exec(context.Background(), "DROP ROLE "+role)
		if err = errors.Join(err, conn.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	connector, err := newPostgresConnector(u.String(), patience.Limit)
	if err != nil {
		t.Fatal(err)
	}
	probe := &postgresProbe{connector: connector, wait: patience.Limit}
	defer probe.close()
	only, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := probe.run(t.Context()); err != nil {
		t.Errorf("with no connection left: %v", err)
	}
	if err := only.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := probe.run(t.Context()); err != nil {
		t.Errorf("with a connection: %v", err)
	}
}
