package deploy

import (
	"context"
	"errors"
	"log/slog"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/identitypool"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/chosenid"
	"cognate/internal/store"
	"cognate/internal/template"
	"cognate/internal/trigger/process"
)

// Deps is what the service works with.
type Deps struct {
	// UserPools has all operations of user pools, and Pools what the API cannot say of them.
	UserPools     idp.Service
	Pools         *pool.Service
	IdentityPools *identitypool.Service
	IAM           iamapi.Service
	Store         *store.Store
	Ring          *keys.Ring
	// Functions runs the functions of templates.
	Functions *process.Folder
	// Folder is where the code of functions is unpacked.
	Folder    string
	AccountID string
	// Issuer returns the issuer of a user pool's tokens.
	Issuer func(poolID string) string
	// Alone says that no other server has the database.
	Alone bool
	Log   *slog.Logger
}

// Service applies templates.
type Service struct {
	deps       Deps
	options    template.Options
	operations map[string]*api.Binding
	kinds      map[string]*kind
}

// stack is the name of the stack in the store. Stacks of different Regions are different.
func (s *Service) stack() string { return s.options.Region + "/" + s.options.StackName }

// New makes the service for the stack of the options.
func New(d Deps, o template.Options) *Service {
	s := &Service{deps: d, options: o, operations: map[string]*api.Binding{}, kinds: newKinds()}
	for _, list := range [][]api.Binding{chosenid.Bindings(idp.Bind(d.UserPools)), identity.Bind(d.IdentityPools), iamapi.Bind(d.IAM)} {
		for i := range list {
			if s.operations[list[i].Name] == nil { // CreateGroup and TagResource are in several services: the first is meant.
				s.operations[list[i].Name] = &list[i]
			}
		}
	}
	return s
}

// Apply brings the server into line with a template: it makes, changes, replaces and removes what differs
// from what this service made before. All problems that can be found are found before anything changes.
// If an operation fails all the same, what this call has made is removed, and what it has changed gets
// its last properties back. Only one call at a time may be made in one process.
func (s *Service) Apply(ctx context.Context, t *template.Template) (*Result, error) {
	c, err := s.claim(ctx)
	if err != nil {
		return nil, err
	}
	// A change that has begun goes on when the server stops: it is short, and half of one helps nobody.
	ctx = context.WithoutCancel(ctx)
	result, err := s.apply(ctx, c, t)
	return result, errors.Join(err, c.free(ctx))
}

// Check names the problems that Apply would find before it changes anything, on an empty server.
func (s *Service) Check(ctx context.Context, t *template.Template) error {
	_, err := s.plan(ctx, t, nil)
	return err
}

func (s *Service) apply(ctx context.Context, c *claim, t *template.Template) (*Result, error) {
	r := &run{Service: s, claim: c}
	records, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	if records, err = r.recover(ctx, records); err != nil {
		return nil, err
	}
	if r.plan, err = s.plan(ctx, t, records); err != nil {
		return nil, err
	}
	before := s.deps.Functions.Declared()
	s.deps.Functions.Declare(merged(before, r.plan.functions.runnable())) // New users are created with the functions of their pool.
	if err := r.forward(r.plan.ctx); err != nil {
		err = r.back(r.plan.ctx, err)
		s.deps.Functions.Declare(before)
		return nil, err
	}
	s.deps.Functions.Declare(r.plan.functions.runnable())
	r.cleanUp(r.plan.ctx)
	return r.result()
}
