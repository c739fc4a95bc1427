// Package pgtest hands PostgreSQL databases to tests. `make test` starts one
// throw-away cluster for the whole run and names it in COGNATE_TEST_POSTGRES;
// without that, each test process starts its own on first use, so that a plain
// `go test` works too. Those shared clusters do not wait for the disk. A test
// that stops or kills its server makes a private, durable cluster with Start.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cognate/test/patience"
	"cognate/test/pgcluster"
)

// Database makes an empty database in the shared cluster, drops it when the
// test has ended, and returns its URL.
func Database(t testing.TB) string {
	t.Helper()
	databaseURL, drop, err := New(t.Context())
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), patience.Limit)
		defer cancel()
		if err := drop(ctx); err != nil {
			t.Error(err)
		}
	})
	return databaseURL
}

// New makes an empty database in the shared cluster, for what outlives one test.
// It returns the database's URL and the function that drops it.
func New(ctx context.Context) (databaseURL string, drop func(context.Context) error, err error) {
	shared, err := sharedURL()
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(shared)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", pgcluster.Env, err)
	}
	name := "t_" + strings.ToLower(rand.Text())
	// TEMPLATE template0 cannot be blocked by anybody's connection to it.
	if err := admin(ctx, shared, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", nil, fmt.Errorf("create database %s: %w", name, err)
	}
	u.Path = "/" + name
	return u.String(), func(ctx context.Context) error {
		if err := admin(ctx, shared, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop database %s: %w", name, err)
		}
		return nil
	}, nil
}

// Start makes a durable cluster that belongs to this test alone, and removes it
// when the test has ended.
func Start(t testing.TB) *pgcluster.Cluster {
	t.Helper()
	c, err := pgcluster.New(t.Context(), pgcluster.Durable)
	if err != nil {
		t.Fatalf("PostgreSQL for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// own starts the process's own cluster once. Nothing closes it: a cluster goes
// away with its process. It is kept here whole, as it also goes away when it is
// no longer referred to.
var own = sync.OnceValues(func() (*pgcluster.Cluster, error) {
	return pgcluster.New(context.Background(), pgcluster.Volatile)
})

func sharedURL() (string, error) {
	if u := os.Getenv(pgcluster.Env); u != "" {
		return u, nil
	}
	c, err := own()
	if err != nil {
		return "", err
	}
	return c.URL, nil
}

func admin(ctx context.Context, databaseURL, statement string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	if cerr := conn.Close(ctx); err == nil && cerr != nil {
		err = fmt.Errorf("close: %w", cerr)
	}
	return err
}
