package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/cache"
	"cognate/internal/pool/chosenid"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	// Ring seals client secrets.
	Ring *keys.Ring
	// Pages seals the cursors of lists.
	Pages *keys.PageTokens
	Now   func() time.Time
	// AccountID stands in ARNs; "" means 123456789012.
	AccountID string
	// DomainTarget is the host name that the DNS records of custom domains point to, ""
	// if the operator names none.
	DomainTarget string
	// OnCreate runs in the transaction that creates a pool. It may run more than
	// once and must not touch the network.
	OnCreate []CreateHook
	// SenderKeys are the keys by which codes are encrypted for functions that send
	// them. Nil has no keys.
	SenderKeys *trigger.SenderKeys
	// ChosenIDs lets requests choose the ids of pools and app clients (package chosenid). Only
	// development servers set it.
	ChosenIDs bool
	// OnReuse runs when a new pool has an id that may have belonged to a deleted pool.
	OnReuse []func(poolID string)
	Log     *slog.Logger
}

// A CreateHook adds the parts that a pool has from the start.
type CreateHook func(ctx context.Context, tx *store.Tx, poolID string) error

// Service holds the settings and their operations.
type Service struct {
	deps            Deps
	pages           pager
	pools           *cache.Cache[Snapshot]
	clients         *cache.Cache[Client]
	domains         *cache.Cache[LoginDomain]
	scopes          *cache.Cache[map[string]bool] // of resource servers, by pool
	resourceServers *Items[resourceServer]
	changes         *cache.StripedLock
}

const (
	defaultRegion    = "us-east-1"
	defaultAccountID = "123456789012"

	// What is kept in memory. A pool's settings take some 10 KB, a client's 2 KB.
	maxCachedPools   = 2048
	maxCachedClients = 8192
)

// New makes the service.
func New(d Deps) *Service {
	if d.AccountID == "" {
		d.AccountID = defaultAccountID
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{deps: d, pages: pager{d.Pages, d.Now}, changes: cache.NewStripedLock()}
	s.resourceServers = NewItems[resourceServer](s, resourceServerKind)
	s.pools = cache.New(maxCachedPools, d.Now, s.loadPool)
	s.clients = cache.New(maxCachedClients, d.Now, s.loadClient)
	s.domains = cache.New(maxCachedDomains, d.Now, s.loadDomain)
	s.scopes = cache.New(maxCachedPools, d.Now, s.loadScopes)
	return s
}

// CacheStats returns a function for each cache of settings, by its name. It returns the
// reads that memory answered, the reads that needed a check, and the entries.
func (s *Service) CacheStats() map[string]func() (hits, misses uint64, entries int) {
	return map[string]func() (hits, misses uint64, entries int){
		"pools": s.pools.Stats, "clients": s.clients.Stats, "domains": s.domains.Stats, "scopes": s.scopes.Stats,
	}
}

// OnCreate adds a hook, for services that are themselves built from this one. It
// must be called before the first request is served.
func (s *Service) OnCreate(h CreateHook) { s.deps.OnCreate = append(s.deps.OnCreate, h) }

// Load returns the settings of a pool. A pool is visible in its own Region only. If the
// caller's Region is not known, every pool is visible.
func (s *Service) Load(ctx context.Context, poolID string) (*Snapshot, error) {
	sn, err := s.pools.Get(ctx, poolID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, noPool(poolID)
	case err != nil:
		return nil, err
	case !visible(ctx, sn.Region):
		return nil, noPool(poolID)
	}
	return sn, nil
}

// LoadClient returns an app client and its pool.
func (s *Service) LoadClient(ctx context.Context, clientID string) (*Snapshot, *Client, error) {
	c, err := s.client(ctx, clientID)
	if err != nil {
		return nil, nil, err
	}
	sn, err := s.Load(ctx, c.PoolID)
	if isNotFound(err) {
		return nil, nil, noClient(clientID)
	}
	if err != nil {
		return nil, nil, err
	}
	return sn, c, nil
}

func (s *Service) client(ctx context.Context, id string) (*Client, error) {
	c, err := s.clients.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noClient(id)
	}
	return c, err
}

// loadPool reads a pool. It returns old if the version has not changed.
func (s *Service) loadPool(ctx context.Context, id string, old *Snapshot) (*Snapshot, error) {
	if old != nil {
		v, err := s.deps.Store.PoolVersion(ctx, id)
		if err != nil {
			return nil, err
		}
		if v == old.Version {
			return old, nil
		}
	}
	p, err := s.deps.Store.Pool(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.snapshot(&p)
}

func (s *Service) loadClient(ctx context.Context, id string, old *Client) (*Client, error) {
	r, err := s.deps.Store.ClientByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if old != nil && old.Version == r.Version && old.PoolID == r.PoolID {
		return old, nil
	}
	return s.openClient(&r)
}

// now is the time as records keep it.
func (s *Service) now() time.Time { return s.deps.Now().UTC().Truncate(time.Millisecond) }

func visible(ctx context.Context, region string) bool {
	r := api.RequestFrom(ctx).Region
	return r == "" || r == region || region == chosenid.Local
}

// arn returns a pool's ARN.
func (s *Service) arn(region, poolID string) string {
	return "arn:" + api.Partition(region) + ":cognito-idp:" + region + ":" + s.deps.AccountID + ":userpool/" + poolID
}

func noPool(id string) error {
	return idp.ResourceNotFoundException("User pool " + id + " does not exist.").WithReason(api.ReasonUnknownPool)
}

func noClient(id string) error {
	return idp.ResourceNotFoundException("User pool client " + id + " does not exist.").WithReason(api.ReasonUnknownClient)
}

func invalid(message string) error { return idp.InvalidParameterException(message) }

func invalidf(format string, args ...any) error {
	return idp.InvalidParameterException(fmt.Sprintf(format, args...))
}

func invalidBecause(message string, cause error) error {
	return idp.InvalidParameterException(message).WithCause(cause)
}

// isNotFound reports whether err says that a pool, or a part of one, does not exist.
func isNotFound(err error) bool { return api.CodeOf(err) == "ResourceNotFoundException" }

// poolRecord reads a pool for an administrator. It reads the database, so that it sees
// the latest writes of other nodes.
func poolRecord(ctx context.Context, r *store.Reader, id string) (*store.Pool, *settings, error) {
	p, err := r.Pool(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !visible(ctx, p.Region) {
		return nil, nil, noPool(id)
	}
	if err != nil {
		return nil, nil, err
	}
	doc, err := decodeSettings(&p)
	return &p, doc, err
}

// Hold keeps the pool unchanged until the transaction ends, for a check of its settings
// or of the number of its parts. It rejects a pool that was deleted since it was loaded.
func (s *Service) Hold(ctx context.Context, tx *store.Tx, poolID string) error {
	err := tx.HoldPool(ctx, poolID)
	if errors.Is(err, store.ErrNotFound) {
		return noPool(poolID)
	}
	return err
}

// holdPoolRecord is poolRecord with Hold, for a transaction that changes a part of the
// pool but not the pool itself.
func (s *Service) holdPoolRecord(ctx context.Context, tx *store.Tx, id string) (*store.Pool, *settings, error) {
	p, doc, err := poolRecord(ctx, &tx.Reader, id)
	if err == nil {
		err = s.Hold(ctx, tx, id)
	}
	return p, doc, err
}

// changePool reads a pool's settings, lets fn change them and writes them back, in
// one transaction. It fails if another transaction changed them in the meantime. Readers
// of this process see the change at once.
func (s *Service) changePool(ctx context.Context, id string, fn func(tx *store.Tx, p *store.Pool, doc *settings) error) error {
	err := s.update(ctx, id, func(tx *store.Tx) error {
		p, doc, err := poolRecord(ctx, &tx.Reader, id)
		if err != nil {
			return err
		}
		if err := fn(tx, p, doc); err != nil {
			return err
		}
		return writePool(ctx, tx, p, doc)
	})
	s.pools.Invalidate(id)
	return err
}

func writePool(ctx context.Context, tx *store.Tx, p *store.Pool, doc *settings) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("pool: settings of %s: %w", p.ID, err)
	}
	p.Doc = b
	return tx.UpdatePool(ctx, *p)
}

// update runs fn, which changes a pool, in a transaction, and again from its first read where another
// change got in between. Nothing is lost: each change sees those before it, or
// the caller is told to try again.
func (s *Service) update(ctx context.Context, poolID string, fn func(tx *store.Tx) error) error {
	unlock, err := s.changes.Lock(ctx, poolID)
	if err != nil {
		return err
	}
	defer unlock()
	err = s.deps.Store.Update(ctx, fn, store.Retry)
	s.scopes.Invalidate(poolID)
	if errors.Is(err, store.ErrConflict) {
		return idp.TooManyRequestsException("Too many requests").WithReason(api.ReasonConflict).WithCause(err)
	}
	return err
}

// conflict turns a lost race into the exception that some operations declare for it.
func conflict(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return idp.ConcurrentModificationException("Concurrent modification of the resource, please try again").WithCause(err)
	}
	return err
}
