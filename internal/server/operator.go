package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/store"
)

// order is what an operator on the machine asks for. A command does it by itself
// where it can open the database. The embedded one belongs to the server while
// that runs: the command then hands the order over, through a socket in the data
// folder that only the owner of the folder can open.
type order struct {
	Do       string            `json:"do"`
	Name     string            `json:"name,omitempty"`     // createKey
	Policies []iam.NamedPolicy `json:"policies,omitempty"` // createKey
	ID       string            `json:"id,omitempty"`       // revokeKey: the key; rotateSigning: the pool, "" for all; readImport: the pool, Name the job
	After    int64             `json:"after,omitempty"`    // readImport: where to go on
	Now      bool              `json:"now,omitempty"`      // retireKeys: do it
	KEK      string            `json:"kek,omitempty"`      // retireKeys: the new key-encryption key, in Base64
}

const (
	createKey     = "create-key"
	listKeys      = "list-keys"
	revokeKey     = "revoke-key"
	rotateSigning = "rotate-signing-keys"
	rotateData    = "rotate-data-keys"
	retireKeys    = "retire-keys"
	readImport    = "import-log"
)

// receipt is what came of it.
type receipt struct {
	Keys   []iam.AccessKey `json:"keys,omitempty"`
	Secret string          `json:"secret,omitempty"` // createKey alone tells one
	Pools  int             `json:"pools,omitempty"`
	Count  int             `json:"count,omitempty"`
	Lines  []string        `json:"lines,omitempty"` // readImport
	Next   int64           `json:"next,omitempty"`  // readImport: where it goes on, 0 at the end
	Error  string          `json:"error,omitempty"`

	Retirement *retirement `json:"retirement,omitempty"` // retireKeys
}

// operator does orders.
type operator struct {
	store *store.Store
	ring  *keys.Ring
	parts *parts
	now   func() time.Time
	log   *slog.Logger
}

// do carries an order out and logs it, unless it only reads.
func (o *operator) do(ctx context.Context, in order) (receipt, error) {
	out, err := o.carryOut(ctx, in)
	if in.Do == listKeys || in.Do == readImport || in.Do == retireKeys && !in.Now {
		return out, err
	}
	// Never the whole order or receipt: they hold secrets.
	attrs := []slog.Attr{slog.String("do", in.Do)}
	for _, key := range out.Keys {
		attrs = append(attrs, slog.String("accessKey", key.ID), slog.String("principal", key.PrincipalARN), slog.Any("policies", policyNames(key)))
	}
	if in.Do == revokeKey {
		attrs = append(attrs, slog.String("accessKey", clip(in.ID, 128)))
	}
	if in.Do == rotateSigning && in.ID != "" {
		attrs = append(attrs, slog.String("pool", clip(in.ID, 64)))
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", outbound.Clean(err)))
	}
	o.log.LogAttrs(ctx, level, "operator", attrs...)
	return out, err
}

func (o *operator) carryOut(ctx context.Context, in order) (receipt, error) {
	switch in.Do {
	case createKey:
		key, secret, err := o.parts.iam.CreateAccessKey(ctx, in.Name, in.Policies...)
		if err != nil {
			return receipt{}, err
		}
		return receipt{Keys: []iam.AccessKey{key}, Secret: string(secret)}, nil
	case listKeys:
		list, err := o.parts.iam.AccessKeys(ctx)
		return receipt{Keys: list}, err
	case revokeKey:
		return receipt{}, o.parts.iam.DeleteAccessKey(ctx, in.ID)
	case rotateSigning:
		return o.rotateSigning(ctx, in.ID)
	case rotateData:
		added, err := o.ring.Rotate(ctx, o.now(), keys.Purposes()...)
		if err != nil {
			return receipt{}, err
		}
		return receipt{Count: len(added)}, insertDataKeys(ctx, o.store, added)
	case retireKeys:
		return o.retire(ctx, in)
	}
	if in.Do == readImport {
		return o.readImport(ctx, in)
	}
	return receipt{}, fmt.Errorf("%q is nothing that this version can do", in.Do)
}

func (o *operator) rotateSigning(ctx context.Context, poolID string) (receipt, error) {
	if poolID != "" {
		if _, err := o.store.Pool(ctx, poolID); err != nil {
			return receipt{}, fmt.Errorf("pool %s: %w", poolID, err)
		}
		return receipt{Pools: 1}, o.parts.tokens.Rotate(ctx, poolID)
	}
	n := 0
	err := o.store.EachPool(ctx, func(id string) error {
		err := o.parts.tokens.Rotate(ctx, id)
		if err == nil {
			n++
		}
		return err
	})
	return receipt{Pools: n}, err
}

// operate carries an order out: here, or in the server that has the database.
func operate(ctx context.Context, c *Config, in order) (receipt, error) {
	if c.Database == "" {
		out, err := handOver(ctx, socketPath(c), in)
		if !errors.Is(err, errNoServer) {
			return out, err
		}
	}
	kek, err := openKEK(c)
	if err != nil {
		return receipt{}, fmt.Errorf("key-encryption key: %w", err)
	}
	log := newLogger(c)
	st, err := openStore(ctx, c, log)
	if err != nil {
		return receipt{}, err
	}
	defer st.Close()
	ring, err := openRing(ctx, st, kek, nil, c.Now)
	if errors.Is(err, keys.ErrWrongKEK) && in.KEK != "" {
		// The same command has come to its end before.
		if kek, err = keys.ParseKEK(in.KEK); err == nil {
			ring, err = openRing(ctx, st, kek, nil, c.Now)
		}
	}
	if err != nil {
		return receipt{}, err
	}
	p, err := compose(ctx, c, st, ring, nil, log)
	if err != nil {
		return receipt{}, err
	}
	return (&operator{st, ring, p, c.Now, log}).do(ctx, in)
}

// socketFile is the operator's way into a running server.
const socketFile = "operator.sock"

func socketPath(c *Config) string { return filepath.Join(c.Data, socketFile) }

// errNoServer says that no server listens on the socket.
var errNoServer = errors.New("no server has this data folder")

const orderTimeout = 5 * time.Minute // a rotation makes two RSA keys for each pool

// handOver sends an order to the server that holds the database.
func handOver(ctx context.Context, socket string, in order) (receipt, error) {
	client := &http.Client{
		Timeout: orderTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
				if err != nil {
					return nil, errNoServer
				}
				return conn, nil
			},
		},
	}
	body, err := json.Marshal(in)
	if err != nil {
		return receipt{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://operator/", bytes.NewReader(body))
	if err != nil {
		return receipt{}, err
	}
	res, err := client.Do(r)
	if err != nil {
		return receipt{}, err
	}
	defer res.Body.Close()
	var out receipt
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return receipt{}, fmt.Errorf("the running server's answer: %w", err)
	}
	if out.Error != "" {
		return receipt{}, errors.New(out.Error)
	}
	return out, nil
}

// serveOperator listens for orders. It is asked for with the embedded database
// only, whose lock says that this server alone has the data folder: a socket
// that is there already was left by one that is gone.
func (s *Server) serveOperator(ctx context.Context) error {
	if s.config.Database != "" {
		return nil
	}
	path := socketPath(&s.config)
	for _, old := range []string{path, path + ".new"} { // .new: of one that died between its name and this
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Made under another name and opened to others never: the folder is 0700, and
	// the socket gets 0600 before it has the name that commands look for.
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path+".new")
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(path+".new", 0o600), os.Rename(path+".new", path)); err != nil {
		return errors.Join(err, l.Close())
	}
	o := &operator{s.store, s.ring, s.parts, s.config.machineNow(), s.log}
	s.operator = &http.Server{Handler: o, ReadTimeout: readHeaderTimeout, MaxHeaderBytes: maxHeaderBytes}
	s.run("operator", s.operator, l)
	return nil
}

// maxOrder bounds an order; a policy is the longest part of one.
const maxOrder = 256 << 10

func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in order
	dec := json.NewDecoder(io.LimitReader(r.Body, maxOrder))
	dec.DisallowUnknownFields()
	var out receipt
	err := dec.Decode(&in)
	if err == nil {
		out, err = o.do(r.Context(), in)
	}
	if err != nil {
		out = receipt{Error: outbound.Clean(err).Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// policyNames lists them for a table.
func policyNames(k iam.AccessKey) []string {
	names := make([]string, 0, len(k.Policies))
	for _, p := range k.Policies {
		names = append(names, p.Name)
	}
	return slices.Clip(names)
}
