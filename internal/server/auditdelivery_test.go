package server_test

import (
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
	"cognate/test/stores"
)

// TestAuditDestinations: the records reach a file and the bucket of a real store, the last ones when
// the server stops.
func TestAuditDestinations(t *testing.T) {
	s := startStore(t)
	t.Setenv("AWS_ACCESS_KEY_ID", stores.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", stores.SecretKey)
	for engine, database := range map[string]string{"sqlite": "", "postgres": pgtest.Database(t)} {
		t.Run(engine, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "audit.jsonl")
			c := serving.Dev(t)
			c.Audit, c.Database = "on", server.Secret(database)
			c.AuditTo = []server.Secret{
				server.Secret("file:" + file),
				server.Secret("s3://data/" + engine + "?wait=0s&path-style=true&region=" + stores.Region + "&endpoint=" + s.URL),
			}
			r := serving.Start(t, c)
			if _, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("delivered")}); err != nil {
				t.Fatal(err)
			}
			if err := r.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil || strings.Count(string(text), `"eventName":"CreateUserPool"`) != 1 {
				t.Errorf("the file: %s, %v", text, err)
			}
			if got := deliveredObjects(t, filepath.Join(s.Dir, "data", engine)); got["CreateUserPool"] != 1 {
				t.Errorf("the bucket: %v", got)
			}
		})
	}
}

// deliveredObjects counts the events in the objects below a folder of a store.
func deliveredObjects(t *testing.T, dir string) map[string]int {
	t.Helper()
	count := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		var in struct{ Records []struct{ EventName string } }
		if err := json.NewDecoder(z).Decode(&in); err != nil {
			return err
		}
		for _, e := range in.Records {
			count[e.EventName]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestAuditDestinationsRefused: a server does not start with an address that cannot work, and
// shows no secret of it.
func TestAuditDestinationsRefused(t *testing.T) {
	for _, tt := range []struct{ name, address, want string }{
		{"unknown kind", "gopher://x", "no kind of destination"},
		{"webhook without a secret", "https://hook.example.com/path-5ecret", "needs a secret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serving.Dev(t)
			c.Audit, c.AuditTo = "on", []server.Secret{server.Secret(tt.address)}
			c = c.WithDefaults()
			err := c.Check()
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "path-5ecret") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
