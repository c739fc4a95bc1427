package privacy_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"cognate/internal/privacy"
	"cognate/internal/server"
	"cognate/test/lambdas"
	"cognate/test/pgtest"
	"cognate/test/rows"
	"cognate/test/serving"
)

// A rig is a development server whose clock can be put forward.
type rig struct {
	serving.Rig
	t         *testing.T
	functions *lambdas.Server
	client    *http.Client // of the person who calls
}

// engines runs a test on a server with each database.
func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, pgtest.Database(t)))
	})
}

func newRig(t *testing.T, database string) *rig {
	t.Helper()
	r := &rig{t: t, functions: lambdas.New(t), client: clientAt(t, address)}
	c := serving.Dev(t)
	c.Database = server.Secret(database)
	c.LogDeliveryCloudWatch = "http://127.0.0.1:1" // Nobody listens there, so that records wait.
	c.Audit, c.AllowUnsigned, c.TriggerEndpoint = "on", true, server.Secret(r.functions.URL)
	r.Rig = serving.Start(t, c)
	return r
}

type object = map[string]any

// Addresses of loopback from which people call.
const (
	address      = "127.203.0.113"
	otherAddress = "127.198.51.100"
)

// clientAt returns a client whose address is this one.
func clientAt(t *testing.T, address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send sends a request of the person.
func (r *rig) send(req *http.Request, err error) (*http.Response, []byte) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res, text
}

// try calls an operation, such as "AWSCognitoIdentityProviderService.SignUp".
func (r *rig) try(operation string, in object) (status int, out object) {
	r.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.URL(), bytes.NewReader(body))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		if !strings.Contains(operation, ".") {
			operation = "AWSCognitoIdentityProviderService." + operation
		}
		req.Header.Set("X-Amz-Target", operation)
	}
	res, text := r.send(req, err)
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			r.t.Fatalf("%s: %v in %s", operation, err, text)
		}
	}
	return res.StatusCode, out
}

// call calls an operation that must succeed.
func (r *rig) call(operation string, in object) object {
	r.t.Helper()
	status, out := r.try(operation, in)
	if status != http.StatusOK {
		r.t.Fatalf("%s: %d %v", operation, status, out)
	}
	return out
}

// at returns a value within an answer.
func at(v any, path ...string) any {
	for _, name := range path {
		o, _ := v.(object)
		v = o[name]
	}
	return v
}

func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// command returns the arguments of a command for the server's database.
func (r *rig) command(args ...string) []string {
	c := r.Config.WithDefaults()
	args = append(args, "--data", c.Data)
	if c.Database != "" {
		args = append(args, "--database", string(c.Database), "--kek-file", c.KEKFile)
	}
	return args
}

// export runs "cognate user export".
func (r *rig) export(t *testing.T, pool, name string) *privacy.Document {
	t.Helper()
	out, _ := serving.Run(t, nil, r.command("user", "export", "--pool", pool, "--user", name)...)
	doc := &privacy.Document{}
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(doc); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return doc
}

// open looks into the server's database past the server.
func (r *rig) open(t *testing.T) *sql.DB {
	t.Helper()
	driver, source := "pgx", string(r.Config.Database)
	if source == "" {
		driver = "sqlite"
		source = (&url.URL{Scheme: "file", Path: filepath.Join(r.Config.Data, "cognate.db"), RawQuery: "mode=ro&_pragma=busy_timeout(10000)"}).String()
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// tables lists the tables of the database.
func (r *rig) tables(t *testing.T) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if r.Config.Database != "" {
		query = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public'"
	}
	var list []string
	for _, row := range rows.Of(t, r.open(t), query) {
		list = append(list, fmt.Sprint(row[0]))
	}
	slices.Sort(list)
	return list
}

// search looks for the terms in every column of every row of the database. It returns how many rows
// of each table have one, with an example.
func (r *rig) search(t *testing.T, terms []string) (found map[string]int, examples map[string]string) {
	t.Helper()
	found, examples = map[string]int{}, map[string]string{}
	db := r.open(t)
	defer db.Close()
	for _, table := range r.tables(t) {
		for _, row := range rows.Of(t, db, "SELECT * FROM "+table) {
			// The address is also that of the administrators' requests in the trail.
			if term := termIn(row, terms); term != "" && (term != address || table != "audit_events") {
				found[table]++
				examples[table] = fmt.Sprintf("%q in %q", term, row)
			}
		}
	}
	return found, examples
}

// termIn returns the first term that a column of the row contains, in any case.
func termIn(row []any, terms []string) string {
	for _, column := range row {
		var content string
		switch c := column.(type) {
		case string:
			content = c
		case []byte:
			content = string(c)
		}
		content = strings.ToLower(content)
		for _, term := range terms {
			if strings.Contains(content, strings.ToLower(term)) {
				return term
			}
		}
	}
	return ""
}
