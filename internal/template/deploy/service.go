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

// Deps are the dependencies of the service.
type Deps struct {
	// UserPools has the operations of user pools. Pools has functions that are not in the API, such as the
	// creation of a pool with a chosen id.
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
	// Alone is set if no other server uses the database.
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

// Apply creates, changes, replaces and removes resources, so that the server has those of a template. It
// finds problems before it changes anything, as far as possible. If an operation fails, Apply removes the
// resources that it has created, and restores the properties that it has changed. A process must make only
// one call at a time.
func (s *Service) Apply(ctx context.Context, t *template.Template) (*Result, error) {
	c, err := s.claim(ctx)
	if err != nil {
		return nil, err
	}
	// A run goes on when the server stops: it is short, and the next start would have to undo half a run.
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
	r := &run{Service: s, claim: c, mask: t.Mask}
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
	for _, u := range r.cleanUp(r.plan.ctx) {
		r.warn(r.plan.ctx, u)
	}
	s.removeOldCode(r.plan.ctx)
	return r.result()
}
