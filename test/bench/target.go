package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/jackc/pgx/v5"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/bench/floor"
	"cognate/test/pgcluster"
	"cognate/test/proxies"
)

const (
	region   = "us-east-1"
	password = "Correct-Horse-7"
	// realUsers bounds how many users of a pool get a verifier that their
	// password returns; those of the others are random. Only real users sign in.
	realUsers = 10_000
)

// target is one server with its database, a pool and users.
type target struct {
	*process
	private  string
	settings []string // the server's, without the command
	serving  []string // those of serve alone
	key      aws.Credentials
	kek      string
	database store.Options
	pool     string
	client   string
	web      webClients
	users    int      // of the pool
	people   []person // who can sign in
	clients  clients
	log      *os.File
}

// person is a user who can sign in.
type person struct{ id, username, email string }

// newTarget makes a database with a pool of so many users and starts a server on it,
// with more settings if any are given.
func (b *bench) newTarget(ctx context.Context, e *engine, name string, users int, more ...string) (_ *target, err error) {
	t := &target{kek: filepath.Join(b.dir, name+".kek"), serving: more}
	if err := os.WriteFile(t.kek, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		return nil, err
	}
	t.settings = []string{"--kek-file", t.kek}
	t.database.Now = time.Now
	if e.name == "sqlite" {
		dir := filepath.Join(b.dir, name)
		t.database.Path = filepath.Join(dir, "cognate.db")
		t.settings = append(t.settings, "--data", dir)
	} else {
		if t.database.URL, err = e.create(ctx); err != nil {
			return nil, err
		}
		t.settings = append(t.settings, "--database", t.database.URL)
	}
	if t.log, err = os.Create(filepath.Join(b.dir, name+".log")); err != nil {
		return nil, err
	}
	if _, err := b.cognate(ctx, append([]string{"migrate"}, t.settings...)); err != nil {
		return nil, err
	}
	out, err := b.cognate(ctx, append([]string{"admin", "keys", "create", "--name", "bench", "--policy", "admin"}, t.settings...))
	if err != nil {
		return nil, err
	}
	m := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\s+AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(out)
	if m == nil {
		return nil, fmt.Errorf("no access key in %q", out)
	}
	t.key = aws.Credentials{AccessKeyID: m[1], SecretAccessKey: m[2]}
	if err := b.serve(ctx, t); err != nil {
		return nil, err
	}
	if err := t.createPool(ctx, cmp.Or(b.threat, types.AdvancedSecurityModeTypeOff)); err != nil {
		return nil, errors.Join(err, t.close())
	}
	// The embedded database has one owner at a time.
	if err := t.close(); err != nil {
		return nil, err
	}
	fmt.Fprintf(b.progress, "%s: loading %d users\n", name, users)
	if err := t.load(ctx, users); err != nil {
		return nil, err
	}
	if err := settle(ctx, t.database.URL); err != nil {
		return nil, err
	}
	return t, b.serve(ctx, t)
}

// settle does at once what PostgreSQL's autovacuum does some time after a load,
// and what would otherwise be counted with the first operations.
func settle(ctx context.Context, url string) error {
	if url == "" {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// cognate runs a command to its end and returns its output.
func (b *bench) cognate(ctx context.Context, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, b.program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("cognate %s: %w: %s", args[0], err, stderr.Bytes())
	}
	return string(out), nil
}

// serve starts `cognate serve`, which logs a line a request to a file.
func (b *bench) serve(ctx context.Context, t *target) error {
	private, err := freeAddress()
	if err != nil {
		return err
	}
	t.private = private
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--private-listen", private, "--plain-http",
		"--issuer-base", "https://id.example.com", "--audit", cmp.Or(b.audit, "off"),
		// All clients have one address. The limits count, but do not refuse.
		"--address-limit", "requests=1000000/1000000", "--address-limit", "messages=1000000/1000000", "--address-limit", "codes=1000000/1000000",
		"--address-limit", "identities=1000000/1000000"}, slices.Concat(t.settings, t.serving)...)
	t.process, err = start(ctx, t.log, nil, b.program, args...)
	if err != nil {
		return err
	}
	if err := t.awaitAddress(); err != nil {
		return err
	}
	t.clients = clients{addr: t.addr}
	return t.rest(ctx)
}

// rest waits until the server has done what it does after a start, such as
// making signing keys for pools to come.
func (t *target) rest(ctx context.Context) error {
	const look, idle = 300 * time.Millisecond, 3 * time.Millisecond
	for range 200 {
		before := t.cpu()
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
		if t.cpu()-before < idle {
			return nil
		}
	}
	return errors.New("the server does not come to rest")
}

func (t *target) close() error {
	t.clients.close()
	return t.stop()
}

func freeAddress() (string, error) {
	port, err := proxies.FreePort(context.Background())
	return "127.0.0.1:" + port, err
}

func (t *target) createPool(ctx context.Context, threat types.AdvancedSecurityModeType) error {
	sdk := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: region, BaseEndpoint: aws.String("http://" + t.addr),
		Credentials: credentials.StaticCredentialsProvider{Value: t.key},
	})
	pool, err := sdk.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("bench"), UserPoolTier: tierOf(threat), UserPoolAddOns: &types.UserPoolAddOnsType{AdvancedSecurityMode: threat},
	})
	if err != nil {
		return err
	}
	client, err := sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: pool.UserPool.Id, ClientName: aws.String("bench"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	})
	if err != nil {
		return err
	}
	t.pool, t.client = *pool.UserPool.Id, *client.UserPoolClient.ClientId
	return t.createWebClients(ctx, sdk)
}

// tierOf returns the plan that a mode of threat protection needs.
func tierOf(threat types.AdvancedSecurityModeType) types.UserPoolTierType {
	if threat == types.AdvancedSecurityModeTypeOff {
		return types.UserPoolTierTypeEssentials
	}
	return types.UserPoolTierTypePlus
}

// load fills the pool by the store's own loader, past the server.
func (t *target) load(ctx context.Context, users int) error {
	st, err := store.Open(ctx, t.database)
	if err != nil {
		return err
	}
	defer st.Close()
	ring, err := t.ring(ctx, st)
	if err != nil {
		return err
	}
	t.users = users
	every := max(users/realUsers, 1)
	t.people = make([]person, (users+every-1)/every)
	verifiers, salts := make([][]byte, len(t.people)), make([][]byte, len(t.people))
	for i := range t.people {
		t.people[i], salts[i] = newPerson(i*every), srp.NewSalt()
	}
	var made = make(chan int, len(t.people))
	for i := range t.people {
		made <- i
	}
	if err := floor.Repeat(len(t.people), 4, func() error {
		i := <-made
		verifiers[i] = srp.Verifier(srp.PoolName(t.pool), t.people[i].username, password, salts[i])
		return nil
	}); err != nil {
		return err
	}
	var failed error
	_, err = st.BulkUsers(ctx, func(yield func(store.LoadUser) bool) {
		for i := range users {
			c := user.Credential{Salt: srp.NewSalt(), Verifier: make([]byte, srp.Size), SetAt: time.Now().UTC()}
			if i%every == 0 {
				c.Salt, c.Verifier = salts[i/every], verifiers[i/every]
			} else {
				_, _ = rand.Read(c.Verifier[1:])
			}
			status := idp.UserStatusTypeConfirmed
			if t.serving != nil && i%2 == 1 {
				status = idp.UserStatusTypeUnconfirmed
			}
			rec, err := t.record(ring, newPerson(i), &c, status)
			if err != nil {
				failed = err
				return
			}
			if !yield(store.LoadUser{User: rec}) {
				return
			}
		}
	})
	return errors.Join(err, failed)
}

// newPerson returns user i; ids, names and addresses are spread over the indexes.
func newPerson(i int) person {
	sum := sha256.Sum256(strconv.AppendInt(nil, int64(i), 10))
	h := hex.EncodeToString(sum[:])
	return person{
		id:       h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32],
		username: "user-" + h[32:44], email: h[44:56] + "@example.com",
	}
}

func (t *target) record(ring *keys.Ring, p person, c *user.Credential, status idp.UserStatusType) (store.User, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return store.User{}, err
	}
	now := time.Now()
	u := user.User{
		Rec: store.User{
			PoolID: t.pool, ID: p.id, Username: p.username, UsernameKey: p.username, Enabled: true,
			Status: string(status), CreatedAt: now, ModifiedAt: now,
			Credential: ring.Seal(keys.PurposeSRPVerifier, []byte("users\x00"+t.pool+"\x00"+p.id), plain),
		},
		Attributes: map[string]string{"email": p.email, "email_verified": "true", "given_name": "Alice", "family_name": "Example"},
	}
	return u.Record()
}

// ring opens the data keys that the server has made.
func (t *target) ring(ctx context.Context, st *store.Store) (*keys.Ring, error) {
	kek, err := keys.ReadKEKFile(t.kek)
	if err != nil {
		return nil, err
	}
	rows, err := st.DataKeys(ctx)
	if err != nil {
		return nil, err
	}
	var records []keys.WrappedKey
	for _, r := range rows {
		id, err := strconv.ParseUint(r.ID, 10, 32)
		if err != nil {
			return nil, err
		}
		records = append(records, keys.WrappedKey{Purpose: keys.Purpose(r.Purpose), ID: uint32(id), Wrapped: r.Wrapped, CreatedAt: r.CreatedAt})
	}
	ring, added, err := keys.OpenRing(ctx, kek, records, time.Now())
	if len(added) > 0 {
		err = errors.Join(err, errors.New("the database lacks data keys"))
	}
	return ring, err
}

// signed is an administrator's operation as an SDK sends it.
func (t *target) signed(ctx context.Context, operation string, input any) ([]byte, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.addr+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, t.key, r, hex.EncodeToString(hash[:]), "cognito-idp", region, time.Now()); err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	err = r.Write(&raw)
	return raw.Bytes(), err
}

// engine is where databases are made.
type engine struct {
	name   string
	url    string // of the cluster
	parent int    // PostgreSQL's postmaster, 0 where it is not known
	made   []string
	// floorURL is the database of the row's floor, once there is one.
	floorURL string
}

// engine returns an engine, or nil where there is none to measure.
func (b *bench) engine(ctx context.Context, name string) (*engine, error) {
	e := &engine{name: name}
	switch name {
	case "sqlite":
		return e, nil
	case "postgres":
	default:
		return nil, fmt.Errorf("no engine %q", name)
	}
	if e.url = os.Getenv(pgcluster.Env); e.url == "" {
		fmt.Fprintln(b.progress, "PostgreSQL is left out: run this beside scripts/with-postgres, as make bench does")
		return nil, nil
	}
	conn, err := pgx.Connect(ctx, e.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	var dir string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir); err != nil {
		return nil, err
	}
	text, _ := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	e.parent, _ = strconv.Atoi(first)
	return e, nil
}

// create makes an empty database.
func (e *engine) create(ctx context.Context) (string, error) {
	name := "bench_" + strings.ToLower(rand.Text())
	if err := e.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", err
	}
	e.made = append(e.made, name)
	u, err := url.Parse(e.url)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func (e *engine) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, e.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// close drops what was made.
func (e *engine) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, name := range e.made {
		_ = e.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
}

// spread returns n indexes below limit in an order without a pattern.
func spread(n, limit int) []int {
	list := make([]int, n)
	for i := range list {
		r, _ := rand.Int(rand.Reader, big.NewInt(int64(limit)))
		list[i] = int(r.Int64())
	}
	return list
}
