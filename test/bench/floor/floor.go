// Package floor does the least work that the parts of an operation can cost, in a process of its own.
package floor

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the PostgreSQL driver
	_ "modernc.org/sqlite"             // the SQLite driver

	"cognate/internal/keys/srp"
	"cognate/test/srpclient"
)

// Command is the first argument by which this program is a floor.
const Command = "floor"

// The floors: the least that an operation's parts can cost.
const (
	Signature = "signature"   // an RS256 signature, 2048 bits, standard library
	Fixed     = "fixed-base"  // g^b with the table of keys/srp
	Shared    = "shared"      // the SRP server's S, as keys/srp computes it
	BigFixed  = "big-fixed"   // g^b with math/big
	BigShared = "big-shared"  // S with math/big
	Row       = "grouped-row" // one row of a user's size, committed in a group
	Handler   = "handler"     // a bare net/http JSON handler
	Function  = "function"    // a function over HTTP that changes nothing
	Verify    = "verify"      // the check of an RS256 signature, standard library
	Decrypt   = "decrypt"     // RSA-OAEP, 2048 bits, standard library
	Exchange  = "exchange"    // a bare net/http handler that redeems a code elsewhere, and one that answers tokens
	Proxy     = "proxy"       // a bare httputil.ReverseProxy
	Discard   = "discard"     // a store that keeps nothing
)

// Serves reports whether a floor Serves HTTP.
func Serves(floor string) bool {
	switch floor {
	case Handler, Function, Exchange, Proxy, Discard:
		return true
	}
	return false
}

// Run is a floor's process. It answers each number on in by doing the work
// that often, from as many goroutines as there are clients.
func Run(args []string, in io.Reader, out io.Writer) error {
	name, rest := args[0], args[1:]
	switch name {
	case Handler:
		return serveFloor(in, out, answerUser)
	case Function:
		return serveFloor(in, out, echo)
	case Exchange:
		return serveFloor(in, out, exchangeHandler(rest[0], rest[1], rest[2]))
	case Proxy:
		store, err := url.Parse(rest[0])
		if err != nil {
			return err
		}
		return serveFloor(in, out, httputil.NewSingleHostReverseProxy(store).ServeHTTP)
	case Discard:
		length, err := strconv.ParseInt(rest[0], 10, 64)
		if err != nil {
			return err
		}
		return serveFloor(in, out, discardHandler(length))
	}
	work, err := floorWork(name, rest)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	fmt.Fprintln(out, "ready")
	for lines.Scan() {
		var n, goroutines int
		if _, err := fmt.Sscan(lines.Text(), &n, &goroutines); err != nil {
			return err
		}
		if err := Repeat(n, goroutines, work); err != nil {
			return err
		}
		fmt.Fprintln(out, "done")
	}
	return lines.Err()
}

// Repeat does the work n times, from so many goroutines.
func Repeat(n, goroutines int, work func() error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for i := range goroutines {
		wg.Go(func() {
			for next.Add(1) <= int64(n) && errs[i] == nil {
				errs[i] = work()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func floorWork(name string, args []string) (func() error, error) {
	switch name {
	case Signature:
		return signatureWork()
	case Verify:
		return verifyWork()
	case Decrypt:
		return decryptWork()
	case Fixed:
		srp.Prepare()
		salt := srp.NewSalt()
		return func() error { srp.Verifier("pool", "user", "password", salt); return nil }, nil
	case Shared:
		a, b, v, public, err := exchange()
		return func() error { _, err := srp.SessionKey(a, b, v, public); return err }, err
	case BigFixed:
		b := make([]byte, srp.SecretSize)
		_, _ = rand.Read(b)
		x := new(big.Int).SetBytes(b)
		return func() error { new(big.Int).Exp(bigG, x, bigN); return nil }, nil
	case BigShared:
		a, b, v, public, err := exchange()
		return func() error { bigShared(a, b, v, public); return nil }, err
	case Row:
		return rowWork(args[0], args[1])
	}
	return nil, fmt.Errorf("no floor %q", name)
}

func signatureWork() (func() error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("claims"))
	return func() error {
		_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		return err
	}, nil
}

// exchange returns the values of one SRP exchange as the server has them.
func exchange() (a, b, v, public []byte, err error) {
	v = srp.Verifier("pool", "user", "password", srp.NewSalt())
	a = srp.Verifier("pool", "user", "ephemeral", srp.NewSalt()) // some group element
	b, public, err = srp.ServerChallenge(v)
	return a, b, v, public, err
}

// bigN is the group's modulus for math/big, bigG its generator.
var bigN, bigG = srpclient.Number(srpclient.N), big.NewInt(2)

func bigShared(a, b, v, public []byte) *big.Int {
	s := new(big.Int).Exp(new(big.Int).SetBytes(v), srpclient.Digest(a, public), bigN)
	s.Mul(s, new(big.Int).SetBytes(a)).Mod(s, bigN)
	return s.Exp(s, new(big.Int).SetBytes(b), bigN)
}

// rowSize is about what a new user's row holds.
const rowSize = 900

// rowWork writes one row, plainly by the engine's driver. PostgreSQL groups the
// commits of concurrent transactions by itself; on SQLite those who wait share one.
func rowWork(engine, where string) (func() error, error) {
	switch engine {
	case "postgres":
		return postgresRow(where)
	case "sqlite":
		return sqliteRow(where)
	}
	return nil, fmt.Errorf("no engine %q", engine)
}

func postgresRow(url string) (func() error, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	if _, err := db.ExecContext(context.Background(), "CREATE TABLE IF NOT EXISTS floor (id text PRIMARY KEY, doc bytea NOT NULL)"); err != nil {
		return nil, err
	}
	doc := make([]byte, rowSize)
	return func() error {
		_, err := db.ExecContext(context.Background(), "INSERT INTO floor (id, doc) VALUES ($1, $2)", rand.Text(), doc)
		return err
	}, nil
}

func sqliteRow(dir string) (func() error, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "floor.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(8000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "CREATE TABLE floor (id TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID"); err != nil {
		return nil, err
	}
	insert, err := db.PrepareContext(ctx, "INSERT INTO floor (id, doc) VALUES (?, ?)")
	if err != nil {
		return nil, err
	}
	jobs := make(chan chan error, 128)
	go groupCommits(ctx, db, insert, jobs)
	return func() error {
		done := make(chan error, 1)
		jobs <- done
		return <-done
	}, nil
}

// groupCommits inserts a row for everyone who waits and then commits once.
func groupCommits(ctx context.Context, db *sql.DB, insert *sql.Stmt, jobs chan chan error) {
	doc := make([]byte, rowSize)
	for first := range jobs {
		group := []chan error{first}
		for more := true; more; {
			select {
			case j := <-jobs:
				group = append(group, j)
			default:
				more = false
			}
		}
		err := func() error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			for range group {
				if _, err := tx.StmtContext(ctx, insert).ExecContext(ctx, rand.Text(), doc); err != nil {
					return errors.Join(err, tx.Rollback())
				}
			}
			return tx.Commit()
		}()
		for _, j := range group {
			j <- err
		}
	}
}

// handlerReply is what GetUser answers, as a bare handler would have it.
type handlerReply struct {
	Username       string
	UserAttributes []handlerAttribute
}

type handlerAttribute struct{ Name, Value string }

// answerUser is the bare handler: it reads GetUser's request with encoding/json
// and writes a reply like GetUser's.
func answerUser(w http.ResponseWriter, r *http.Request) {
	var body struct{ AccessToken string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.AccessToken == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(handlerReply{Username: "00000000-0000-4000-8000-000000000000", UserAttributes: []handlerAttribute{
		{"sub", "00000000-0000-4000-8000-000000000000"}, {"email", "0123456789abcdef@example.com"}, {"email_verified", "true"},
		{"given_name", "Alice"}, {"family_name", "Example"},
	}})
}

// echo answers an event with itself, as a function does that changes nothing.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

// discardHandler reads what it is sent, and answers so many bytes to a GET.
func discardHandler(length int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
		_, _ = io.Copy(w, io.LimitReader(Zeros{}, length))
	}
}

// serveFloor Serves until the parent goes away.
func serveFloor(in io.Reader, out io.Writer, handler http.HandlerFunc) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(out, "listening on http://%s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Zeros is a source of bytes without memory of its own.
type Zeros struct{}

// Read implements io.Reader.
func (Zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
