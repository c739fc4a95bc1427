package server

import (
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
	"time"

	"cognate/internal/audit"
	"cognate/internal/audit/trail/inquiry"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/privacy"
	"cognate/internal/scim"
	"cognate/internal/server/datakeys"
	"cognate/internal/server/edge"
	"cognate/internal/server/usage"
	"cognate/internal/store"
	"cognate/internal/token"
)

// A ControlRequest is a request of an operator on the machine. A command carries it out
// by itself if it can open the database. A running server locks the embedded database.
// Then the command sends the request to that server, through a socket in the data folder
// that only the folder's owner can open.
type ControlRequest struct {
	Do       string            `json:"do"`
	Name     string            `json:"name,omitempty"`     // CreateAccessKey
	Policies []iam.NamedPolicy `json:"policies,omitempty"` // CreateAccessKey
	ID       string            `json:"id,omitempty"`       // RevokeAccessKey: the key; RotateSigningKeys: the pool, "" for all; ReadImportLog: the pool, Name the job
	After    int64             `json:"after,omitempty"`    // ReadImportLog: where to go on
	Now      bool              `json:"now,omitempty"`      // RetireKeys: do it
	KEK      string            `json:"kek,omitempty"`      // RetireKeys: the new key-encryption key, in Base64

	Token *scim.NewToken `json:"token,omitempty"` // CreateDirectoryToken
	Usage *usage.Request `json:"usage,omitempty"` // ReadUsage
	// KeepFile says that EraseUser does not rewrite the file of the embedded database.
	KeepFile bool `json:"keepFile,omitempty"`

	Pool string `json:"pool,omitempty"` // ListDirectories, RevokeDirectoryToken (ID is the token), RemoveDirectory (Name is the provider), ExportUser and EraseUser (Name is the user)

	Audit *inquiry.Request `json:"audit,omitempty"` // AskAudit
	// Secrets says that ExportSeed writes secrets, too.
	Secrets bool `json:"secrets,omitempty"`
}

// The values of ControlRequest.Do.
const (
	CreateAccessKey   = "create-key"
	ListAccessKeys    = "list-keys"
	RevokeAccessKey   = "revoke-key"
	RotateSigningKeys = "rotate-signing-keys"
	RotateDataKeys    = "rotate-data-keys"
	RetireKeys        = "retire-keys"
	ReadImportLog     = "import-log"
	ReadUsage         = "usage"

	CreateDirectoryToken = "create-directory-token"
	ListDirectories      = "list-directories"
	RevokeDirectoryToken = "revoke-directory-token"
	RemoveDirectory      = "remove-directory"

	ExportUser = "export-user"
	EraseUser  = "erase-user"
	AskAudit   = "audit"
	ExportSeed = "export-seed" // of a development server
)

// ControlResponse is the result of a ControlRequest.
type ControlResponse struct {
	Keys   []iam.AccessKey `json:"keys,omitempty"`
	Secret string          `json:"secret,omitempty"` // of CreateAccessKey and CreateDirectoryToken
	Pools  int             `json:"pools,omitempty"`
	Count  int             `json:"count,omitempty"`
	Lines  []string        `json:"lines,omitempty"` // ReadImportLog
	Next   int64           `json:"next,omitempty"`  // ReadImportLog: where it goes on, 0 at the end
	Error  string          `json:"error,omitempty"`

	Usage       []usage.Count    `json:"usage,omitempty"`       // ReadUsage
	Retirement  *Retirement      `json:"retirement,omitempty"`  // RetireKeys
	Directories []scim.Directory `json:"directories,omitempty"` // CreateDirectoryToken: one; ListDirectories
	Person      json.RawMessage  `json:"person,omitempty"`      // ExportUser: a privacy.Document

	Erasure *privacy.ErasureReport `json:"erasure,omitempty"` // EraseUser
	Audit   *inquiry.Response      `json:"audit,omitempty"`   // AskAudit
	Text    string                 `json:"text,omitempty"`    // ExportSeed
}

// operator carries out the requests of an operator.
type operator struct {
	store    *store.Store
	ring     *keys.Ring
	services *services
	now      func() time.Time
	// directoryNow is the clock of the directory, which decides the month.
	directoryNow func() time.Time
	log          *slog.Logger
}

// do carries out a request and logs it, unless it only reads.
func (o *operator) do(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	out, err := o.carryOut(ctx, in)
	if in.onlyReads() {
		return out, err
	}
	if recordErr := o.record(ctx, &in, &out, err); recordErr != nil && err == nil {
		err = fmt.Errorf("it is done, but its record in the audit trail could not be stored: %w", recordErr)
	}
	// Never the whole request or response: they hold secrets.
	attrs := []slog.Attr{slog.String("do", in.Do)}
	for _, key := range out.Keys {
		attrs = append(attrs, slog.String("accessKey", key.ID), slog.String("principal", key.PrincipalARN), slog.Any("policies", key.PolicyNames()))
	}
	if in.Do == RevokeAccessKey {
		attrs = append(attrs, slog.String("accessKey", loggedID(in.ID, iam.IsAccessKeyID)))
	}
	if in.Do == ExportUser || in.Do == EraseUser { // Never the name of the person.
		attrs = append(attrs, slog.String("pool", edge.Clip(in.Pool, 64)))
	} else if pool, provider := in.directory(); pool != "" {
		attrs = append(attrs, slog.String("pool", edge.Clip(pool, 64)), slog.String("provider", edge.Clip(provider, 64)))
	}
	if in.Do == RevokeDirectoryToken {
		attrs = append(attrs, slog.String("tokenId", loggedID(in.ID, keys.IsUUID)))
	}
	if in.Do == RotateSigningKeys && in.ID != "" {
		attrs = append(attrs, slog.String("pool", edge.Clip(in.ID, 64)))
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", outbound.Clean(err)))
	}
	o.log.LogAttrs(ctx, level, "operator", attrs...)
	return out, err
}

// loggedID returns an id for the log. A text that is no id may be a secret, pasted by mistake.
func loggedID(id string, isID func(string) bool) string {
	if !isID(id) {
		return "malformed"
	}
	return id
}

// directory returns the pool and the provider of a request about a directory.
func (in *ControlRequest) directory() (pool, provider string) {
	if in.Token != nil {
		return in.Token.Pool, in.Token.Provider
	}
	return in.Pool, in.Name
}

func (o *operator) carryOut(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	switch in.Do {
	case CreateAccessKey:
		key, secret, err := o.services.iam.CreateAccessKey(ctx, in.Name, in.Policies...)
		if err != nil {
			return ControlResponse{}, err
		}
		return ControlResponse{Keys: []iam.AccessKey{key}, Secret: string(secret)}, nil
	case ListAccessKeys:
		list, err := o.services.iam.AccessKeys(ctx)
		return ControlResponse{Keys: list}, err
	case RevokeAccessKey:
		return ControlResponse{}, o.services.iam.DeleteAccessKey(ctx, in.ID)
	case RotateSigningKeys:
		return o.rotateSigning(ctx, in.ID)
	case RotateDataKeys:
		added, err := o.ring.Rotate(ctx, o.now(), keys.Purposes()...)
		if err != nil {
			return ControlResponse{}, err
		}
		return ControlResponse{Count: len(added)}, datakeys.Insert(ctx, o.store, added)
	case RetireKeys:
		return o.retire(ctx, in)
	case ReadImportLog:
		return o.readImport(ctx, in)
	case ReadUsage:
		if err := o.services.activity.Flush(ctx); err != nil {
			return ControlResponse{}, err
		}
		list, err := usage.Read(ctx, o.store, o.directoryNow(), in.Usage)
		return ControlResponse{Usage: list}, err
	case CreateDirectoryToken, ListDirectories, RevokeDirectoryToken, RemoveDirectory:
		return o.directories(ctx, in)
	case ExportUser, EraseUser:
		return o.personal(ctx, in)
	case ExportSeed:
		return o.exportSeed(ctx, in)
	}
	if in.Do == AskAudit && in.Audit != nil {
		answer, err := inquiry.Answer(ctx, o.services.trail, in.Audit)
		return ControlResponse{Audit: answer}, err
	}
	return ControlResponse{}, fmt.Errorf("%q is unknown to this version", in.Do)
}

// directories carries out a request about the directories that use SCIM.
func (o *operator) directories(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	switch in.Do {
	case CreateDirectoryToken:
		if in.Token == nil {
			return ControlResponse{}, errors.New("the request describes no token")
		}
		d, secret, err := o.services.scim.CreateToken(ctx, *in.Token)
		if err != nil {
			return ControlResponse{}, err
		}
		return ControlResponse{Secret: secret, Directories: []scim.Directory{*d}}, nil
	case ListDirectories:
		list, err := o.services.scim.Directories(ctx, in.Pool)
		return ControlResponse{Directories: list}, err
	case RevokeDirectoryToken:
		return ControlResponse{}, o.services.scim.RevokeToken(ctx, in.Pool, in.ID)
	}
	return ControlResponse{}, o.services.scim.RemoveDirectory(ctx, in.Pool, in.Name)
}

func (o *operator) rotateSigning(ctx context.Context, poolID string) (ControlResponse, error) {
	if poolID != "" {
		if _, err := o.store.Pool(ctx, poolID); err != nil {
			return ControlResponse{}, fmt.Errorf("pool %s: %w", poolID, err)
		}
		return ControlResponse{Pools: 1}, o.services.tokens.Rotate(ctx, poolID)
	}
	n := 0
	for _, owner := range token.Owners() {
		if err := o.services.tokens.Rotate(ctx, owner); err != nil {
			return ControlResponse{}, err
		}
	}
	err := o.store.EachPool(ctx, func(id string) error {
		err := o.services.tokens.Rotate(ctx, id)
		if err == nil {
			n++
		}
		return err
	})
	return ControlResponse{Pools: n}, err
}

// Control carries out a request in this process. It opens the database, so no
// server may have the embedded one open.
func Control(ctx context.Context, c *Config, in ControlRequest) (ControlResponse, error) {
	kek, err := openKEK(c)
	if err != nil {
		return ControlResponse{}, fmt.Errorf("key-encryption key: %w", err)
	}
	log := c.Logger()
	metrics := audit.NewMetrics(c.Version)
	st, err := openStore(ctx, c, log, nil)
	if err != nil {
		return ControlResponse{}, err
	}
	defer st.Close()
	ring, err := datakeys.OpenRing(ctx, st, kek, nil, c.Now)
	if errors.Is(err, keys.ErrWrongKEK) && in.KEK != "" {
		// The same command has succeeded before.
		if kek, err = keys.ParseKEK(in.KEK); err == nil {
			ring, err = datakeys.OpenRing(ctx, st, kek, nil, c.Now)
		}
	}
	if err != nil {
		return ControlResponse{}, err
	}
	p, err := compose(ctx, c, st, ring, nil, metrics, nil, log)
	if err != nil {
		return ControlResponse{}, err
	}
	defer func() { _ = p.intake.Close(ctx) }()
	return (&operator{st, ring, p, c.Now, c.Now, log}).do(ctx, in)
}

// socketFile is the name of the socket for requests of an operator.
const socketFile = "operator.sock"

// ControlSocket returns the path of the socket on which a server with the embedded
// database takes an operator's requests.
func (c *Config) ControlSocket() string { return filepath.Join(c.Data, socketFile) }

// serveOperator listens for the requests of an operator. It is called only with the
// embedded database. The database's lock shows that no other server uses the data
// folder, so an existing socket was left by a server that has ended.
func (s *Server) serveOperator(ctx context.Context, handler http.Handler) error {
	if s.config.Database != "" {
		return nil
	}
	path := s.config.ControlSocket()
	for _, old := range []string{path, path + ".new"} { // .new: of one that died between its name and this
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// The socket is never open to other users: the folder is 0700, and the socket gets
	// 0600 before it gets the name that commands look for.
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path+".new")
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(path+".new", 0o600), os.Rename(path+".new", path)); err != nil {
		return errors.Join(err, l.Close())
	}
	s.operator = &http.Server{Handler: handler, ReadTimeout: readHeaderTimeout, MaxHeaderBytes: maxHeaderBytes}
	s.run("operator", s.operator, l)
	return nil
}

// maxControlBody is the largest request. Its longest part is a policy.
const maxControlBody = 256 << 10

func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in ControlRequest
	dec := json.NewDecoder(io.LimitReader(r.Body, maxControlBody))
	dec.DisallowUnknownFields()
	var out ControlResponse
	err := dec.Decode(&in)
	if err == nil {
		out, err = o.do(r.Context(), in)
	}
	if err != nil {
		out = ControlResponse{Error: outbound.Clean(err).Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}
