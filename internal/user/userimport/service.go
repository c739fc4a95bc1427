package userimport

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Deps is what the service works with.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	Users *user.Service
	Ring  *keys.Ring
	Pages *keys.PageTokens
	// Gate shows whether users sign in. Then the worker leaves half of its time to them.
	Gate *keys.Gate
	// BaseURL is where clients reach this server.
	BaseURL string
	// MaxBytes is the size of the largest file; 0 means DefaultMaxBytes.
	MaxBytes int64
	// KeepOpen extends the time limit of an upload's connection. It is called
	// before each piece is read.
	KeepOpen func(w http.ResponseWriter) error
	// Keep is how long a job and its log are kept after the job's end; 0 means a year.
	Keep time.Duration
	Now  func() time.Time
	Log  *slog.Logger
}

// keep returns how long a job that has ended is kept.
func (s *Service) keep() time.Duration { return cmp.Or(s.deps.Keep, retention) }

// DefaultMaxBytes is the size of the largest file (Cognito: 100 MB).
const DefaultMaxBytes = 100 << 20

// Service does the operations on import jobs, takes uploads and runs the jobs.
type Service struct {
	deps  Deps
	owner string // this process, among those that work on jobs
	wake  chan struct{}

	observed map[jobKey]observation // the jobs of other workers, at the last look

	// See the constants.
	lookEvery, batchStatement time.Duration

	entered    uint64 // of the gate, at the worker's last look
	sawSignIns bool   // whether users signed in between its last two looks
}

// New builds the service.
func New(d Deps) *Service {
	if d.MaxBytes == 0 {
		d.MaxBytes = DefaultMaxBytes
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{deps: d, owner: keys.NewUUID(), wake: make(chan struct{}, 1), lookEvery: lookEvery, batchStatement: batchStatement}
}

// MaxBytes is the size of the largest file.
func (s *Service) MaxBytes() int64 { return s.deps.MaxBytes }

// now returns the time as records store it.
func (s *Service) now() time.Time { return s.deps.Now().UTC().Truncate(time.Millisecond) }
