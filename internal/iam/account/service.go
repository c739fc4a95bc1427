package account

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam"
	"cognate/internal/iam/record"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// Deps are what a Service is built from.
type Deps struct {
	Store     *store.Store
	IAM       *iam.Service
	Pages     *keys.PageTokens
	Now       func() time.Time
	Rand      io.Reader
	AccountID string
	// CheckMetadata reads the metadata of a SAML provider, and returns until when it is valid.
	CheckMetadata func(metadata []byte) (validUntil time.Time, err error)
}

// Service answers the operations of IAM.
type Service struct{ deps Deps }

// New makes a Service.
func New(d Deps) *Service { return &Service{d} }

var _ iamapi.Service = (*Service)(nil)

// partition returns the partition that new entities of a request are in.
func partition(ctx context.Context) string { return api.Partition(api.RequestFrom(ctx).Region) }

// write runs a change of the account. Changes run one after the other.
func (s *Service) write(ctx context.Context, change func(tx *store.Tx) error) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.TurnOfIAM(ctx); err != nil {
			return err
		}
		return change(tx)
	}, store.Retry)
	if err == nil {
		s.deps.IAM.Forget()
	}
	return err
}

// edit changes one entity.
func (s *Service) edit(ctx context.Context, kind, name string, change func(tx *store.Tx, e *record.Entity) error) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := find(ctx, &tx.Reader, kind, name)
		if err != nil {
			return err
		}
		if err := change(tx, e); err != nil {
			return err
		}
		return save(ctx, tx, e)
	})
}

func save(ctx context.Context, tx *store.Tx, e *record.Entity) error {
	row, err := e.Row()
	if err != nil {
		return err
	}
	return tx.UpdateIAMEntity(ctx, row, e.OldKey())
}

// create stores a new entity. prepare runs in the same transaction.
func (s *Service) create(ctx context.Context, e *record.Entity, prepare func(tx *store.Tx) error) error {
	return s.write(ctx, func(tx *store.Tx) error {
		_, err := tx.IAMEntity(ctx, e.Kind, e.Key)
		if err == nil {
			return exists(e.Kind, e.Name)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, err := tx.CountIAMEntities(ctx, e.Kind)
		if err != nil {
			return err
		}
		if q := perAccount[e.Kind]; n >= q.max {
			return iamapi.LimitExceededExceptionf("Cannot exceed quota for %s: %d", q.name, q.max)
		}
		if prepare != nil {
			if err := prepare(tx); err != nil {
				return err
			}
		}
		row, err := e.Row()
		if err != nil {
			return err
		}
		return tx.InsertIAMEntity(ctx, row)
	})
}

// find reads an entity by its name.
func find(ctx context.Context, r *store.Reader, kind, name string) (*record.Entity, error) {
	row, err := r.IAMEntity(ctx, kind, record.Key(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, noEntity(kind, name)
	}
	if err != nil {
		return nil, err
	}
	return record.Read(row)
}

// findByARN reads an entity of the account by its whole ARN. An ARN with another path is
// another resource to policies, so it is unknown here.
func (s *Service) findByARN(ctx context.Context, r *store.Reader, kind, arn string) (*record.Entity, error) {
	p, ok := record.ParseARN(arn)
	if !ok || p.Kind != kind || p.Account != s.deps.AccountID {
		return nil, noARN(kind, arn)
	}
	row, err := r.IAMEntity(ctx, kind, record.Key(p.Name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, noARN(kind, arn)
	}
	if err != nil {
		return nil, err
	}
	e, err := record.Read(row)
	if err == nil && e.ARN(s.deps.AccountID) != arn {
		return nil, noARN(kind, arn)
	}
	return e, err
}

// editByARN changes one entity of the account.
func (s *Service) editByARN(ctx context.Context, kind, arn string, change func(tx *store.Tx, e *record.Entity) error) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := s.findByARN(ctx, &tx.Reader, kind, arn)
		if err != nil {
			return err
		}
		if err := change(tx, e); err != nil {
			return err
		}
		return save(ctx, tx, e)
	})
}

// quota is the most of something that an account, or an entity, may have.
type quota struct {
	name string
	max  int
}

// AWS's default quotas (IAM User Guide: "IAM and AWS STS quotas").
var perAccount = map[string]quota{
	store.IAMUser: {"UsersPerAccount", 5000}, store.IAMGroup: {"GroupsPerAccount", 300}, store.IAMRole: {"RolesPerAccount", 1000},
	store.IAMPolicy: {"PoliciesPerAccount", 1500}, store.IAMOIDCProvider: {"OpenIDConnectProvidersPerAccount", 100}, store.IAMSAMLProvider: {"SAMLProvidersPerAccount", 100},
}

const (
	maxTags          = 50
	maxTrustSize     = 2048
	maxManagedSize   = 6144
	maxVersions      = 5
	maxAttached      = 10
	maxGroupsPerUser = 10
	maxKeysPerUser   = 2
	maxClientIDs     = 100
	maxThumbprints   = 5
)

// maxInline is the most characters of all inline policies of an entity together.
var maxInline = map[string]int{store.IAMUser: 2048, store.IAMGroup: 5120, store.IAMRole: 10240}

// title is the name of a kind in quotas and messages.
func title(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] }

func noEntity(kind, name string) error {
	return iamapi.NoSuchEntityExceptionf("The %s with name %s cannot be found.", kind, name)
}

func noARN(kind, arn string) error {
	switch kind {
	case store.IAMOIDCProvider:
		return iamapi.NoSuchEntityExceptionf("OpenIDConnect Provider not found for arn %s", arn)
	case store.IAMSAMLProvider:
		return iamapi.NoSuchEntityExceptionf("Manifest not found for arn %s", arn)
	}
	return iamapi.NoSuchEntityExceptionf("Policy %s was not found.", arn)
}

func exists(kind, name string) error {
	switch kind {
	case store.IAMPolicy:
		return iamapi.EntityAlreadyExistsExceptionf("A policy called %s already exists. Duplicate names are not allowed.", name)
	case store.IAMOIDCProvider:
		return iamapi.EntityAlreadyExistsExceptionf("Provider with url https://%s already exists.", name)
	case store.IAMSAMLProvider:
		return iamapi.EntityAlreadyExistsExceptionf("SAMLProvider with name %s already exists.", name)
	}
	return iamapi.EntityAlreadyExistsExceptionf("%s with name %s already exists.", title(kind), name)
}

// invalid returns the front end's error for an input that no constraint of the model covers.
func invalid(text string) error { return api.NewError("ValidationError", text) }
