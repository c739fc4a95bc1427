// Package provision stores users as an operator describes them: with a sub, a password or its hash,
// groups and second factors. It updates existing users to match their description. It sends
// no message and calls no function.
package provision

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/internal/user/factors"
	"cognate/internal/user/groups"
)

// Deps is what the service works with.
type Deps struct {
	Store   *store.Store
	Users   *user.Service
	Groups  *groups.Service
	Factors *factors.Service
	Now     func() time.Time
}

// Service stores users.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// A Person describes a user.
type Person struct {
	Username string
	// Sub is the user's id. If it is empty, a new user gets a random one.
	Sub        string
	Attributes map[string]string
	// Password is the plain password, and Hash the hash of another program. Hash counts only
	// for a new user.
	Password, Hash keys.Secret
	// AnyPassword says that the password need not satisfy the pool's policy.
	AnyPassword bool
	// Status is empty if the status stays. A new user is confirmed then.
	Status idp.UserStatusType
	// Enabled says whether the user may sign in. Nil is no change; a new user may.
	Enabled *bool
	// Groups are names of groups of the pool.
	Groups []string
	// TOTP is the secret of the authenticator app, and MFA the second factors, the preferred first.
	TOTP []byte
	MFA  []string
}

// isTemporary reports whether the password is temporary.
func (p *Person) isTemporary() bool { return p.Status == idp.UserStatusTypeForceChangePassword }

// Check returns why a person cannot be a user of a pool. It reads nothing.
func (s *Service) Check(sn *pool.Snapshot, p *Person) error {
	u, err := s.newUser(sn, p)
	if err != nil {
		return err
	}
	for _, n := range user.SignInNames(sn, u) {
		if len(n.Value) > user.MaxSignInName {
			return fmt.Errorf("the value of %s is too long to sign in by", n.Kind)
		}
	}
	if p.Password != "" && !p.AnyPassword {
		return user.CheckPolicy(sn, user.PolicyAdminCreate, string(p.Password))
	}
	return nil
}

// Names returns the names by which a person signs in, with the username: no other user of the
// pool may have one of them.
func (s *Service) Names(sn *pool.Snapshot, p *Person) []store.Name {
	u, err := s.newUser(sn, p)
	if err != nil {
		return nil
	}
	return append(user.SignInNames(sn, u), store.Name{Kind: "username", Value: u.Rec.UsernameKey})
}

// newUser makes the user of a person, without a password.
func (s *Service) newUser(sn *pool.Snapshot, p *Person) (*user.User, error) {
	id := p.Sub
	if id == "" {
		id = keys.NewUUID()
	}
	if !schema.IsUsername(p.Username) {
		return nil, errors.New("the username has characters that a username cannot have, or more than 128 characters")
	}
	username, implied, err := user.StoredUsername(sn, p.Username, id)
	if err != nil {
		return nil, err
	}
	attrs, err := user.NewAttributes(sn, nil, attributeList(p.Attributes), implied)
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	u := &user.User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(idp.UserStatusTypeConfirmed), Enabled: true, CreatedAt: now, ModifiedAt: now,
		},
		Attributes: attrs,
	}
	if p.Sub != "" { // Tokens of a deleted user with this sub must not be tokens of the new one.
		token.SignOut(&u.Rec, now)
	}
	s.apply(u, p)
	return u, nil
}

func attributeList(attrs map[string]string) []idp.AttributeType {
	list := make([]idp.AttributeType, 0, len(attrs))
	for name, value := range attrs {
		list = append(list, idp.AttributeType{Name: name, Value: &value})
	}
	return list
}

// apply sets what the person says besides attributes and password.
func (s *Service) apply(u *user.User, p *Person) {
	if p.Status != "" {
		u.Rec.Status = string(p.Status)
	}
	if p.Enabled != nil {
		u.Rec.Enabled = *p.Enabled
	}
	if len(p.TOTP) > 0 && !s.deps.Factors.HasSecret(u, p.TOTP) {
		s.deps.Factors.SetSecret(u, p.TOTP)
	}
	if len(p.MFA) > 0 {
		u.MFA.Enabled, u.MFA.Preferred = slices.Clone(p.MFA), p.MFA[0]
	}
}

// An Error is the error of one person.
type Error struct {
	Index int // in the list of people
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

const (
	// batchSize is how many new users one transaction stores.
	batchSize = 500
	// batchStatement is the time limit of a statement of a batch, whose writes are sent together.
	batchStatement = 30 * time.Second
)

// Apply stores the people as users of the pool. New users are stored in batches: a batch is stored
// as a whole or not at all. A user who exists is changed alone. Concurrent calls for the same
// people end well: each brings the users of the other into line.
func (s *Service) Apply(ctx context.Context, sn *pool.Snapshot, people []Person) error {
	ctx, cancel := context.WithCancel(store.WithStatementTimeout(ctx, batchStatement))
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	places := runtime.GOMAXPROCS(0)
	type batch struct {
		from  int
		ready chan struct{}
		users []*user.User // nil for a user who exists
		err   error
	}
	queue := make(chan *batch, places)
	ordered := make(chan *batch, 2*places)
	working.Go(func() {
		defer close(queue)
		defer close(ordered)
		for from := 0; from < len(people); from += batchSize {
			b := &batch{from: from, ready: make(chan struct{})}
			for _, to := range []chan *batch{ordered, queue} {
				select {
				case to <- b:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range places {
		working.Go(func() {
			for b := range queue {
				b.users, b.err = s.prepare(ctx, sn, people[b.from:min(b.from+batchSize, len(people))], b.from)
				close(b.ready)
			}
		})
	}
	for b := range ordered {
		select {
		case <-b.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if b.err != nil {
			return b.err
		}
		if err := s.store(ctx, sn, people[b.from:b.from+len(b.users)], b.users, b.from); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// prepare makes the users of people who are not in the pool, with their passwords.
func (s *Service) prepare(ctx context.Context, sn *pool.Snapshot, people []Person, from int) ([]*user.User, error) {
	users := make([]*user.User, len(people))
	for i := range people {
		p := &people[i]
		existing, err := s.find(ctx, sn, p)
		if err != nil {
			return nil, &Error{from + i, err}
		}
		if existing != nil {
			continue
		}
		u, err := s.newUser(sn, p)
		if err == nil {
			err = s.setPassword(ctx, sn, u, p)
		}
		if err != nil {
			return nil, &Error{from + i, err}
		}
		users[i] = u
	}
	return users, nil
}

// setPassword sets the credential of a new user.
func (s *Service) setPassword(ctx context.Context, sn *pool.Snapshot, u *user.User, p *Person) (err error) {
	switch {
	case p.Password != "":
		u.Rec.Credential, err = s.deps.Users.NewCredential(ctx, sn, u, string(p.Password), p.isTemporary())
	case p.Hash != "":
		u.Rec.Credential, err = s.deps.Users.NewForeignCredential(u, string(p.Hash))
	}
	return err
}

// find returns the user of a person, nil if there is no such user.
func (s *Service) find(ctx context.Context, sn *pool.Snapshot, p *Person) (*user.User, error) {
	byName, err := s.resolve(ctx, sn, p.Username)
	if err != nil || p.Sub == "" {
		return byName, err
	}
	if byName != nil && byName.ID() != p.Sub {
		return nil, fmt.Errorf("the user %s of the pool has the sub %s", p.Username, byName.ID())
	}
	if byName == nil {
		bySub, err := s.resolve(ctx, sn, p.Sub)
		if err != nil {
			return nil, err
		}
		if bySub != nil {
			return nil, fmt.Errorf("the sub belongs to the user %s of the pool", bySub.Username())
		}
	}
	return byName, nil
}

func (s *Service) resolve(ctx context.Context, sn *pool.Snapshot, name string) (*user.User, error) {
	u, err := s.deps.Users.ResolveAdmin(ctx, sn, name)
	if api.CodeOf(err) == "UserNotFoundException" {
		return nil, nil
	}
	return u, err
}

// errExists says that a new user exists since it was prepared.
var errExists = errors.New("provision: the user exists")

// store stores the new users of a batch, and brings the others into line.
func (s *Service) store(ctx context.Context, sn *pool.Snapshot, people []Person, users []*user.User, from int) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		locked := map[string]bool{}
		for i, u := range users {
			if u == nil {
				continue
			}
			if err := s.insert(ctx, tx, sn, u, &people[i], locked); err != nil {
				return &Error{from + i, err}
			}
		}
		return nil
	}, store.Retry)
	raced := errors.Is(err, errExists) || errors.Is(err, errTaken)
	if err != nil && !raced {
		return err
	}
	for i := range people {
		if raced || users[i] == nil {
			if err := s.reconcile(ctx, sn, &people[i]); err != nil {
				return &Error{from + i, err}
			}
		}
	}
	return nil
}

func (s *Service) insert(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User, p *Person, locked map[string]bool) error {
	err := s.deps.Users.Insert(ctx, tx, sn, u, user.Insertion{
		Names: user.SignInNames(sn, u), Conflict: user.AliasExists,
		Taken: func(what string) error {
			if what == "username" {
				return errExists
			}
			return errTaken
		},
	})
	if err != nil {
		return err
	}
	for _, name := range p.Groups {
		key := groups.Key(name)
		if !locked[key] { // So that the group is not deleted at the same moment.
			if err := s.deps.Groups.Hold(ctx, tx, sn, key); err != nil {
				return err
			}
			locked[key] = true
		}
		if err := tx.AddMember(ctx, sn.ID, key, u.ID()); err != nil {
			return err
		}
	}
	return nil
}

var errTaken = errors.New("another user of the pool signs in by the address or the preferred_username")

// reconcile stores one person: a new user, or changes of the user who exists.
func (s *Service) reconcile(ctx context.Context, sn *pool.Snapshot, p *Person) error {
	return store.Again(ctx, func() error {
		u, err := s.find(ctx, sn, p)
		if err != nil {
			return err
		}
		if u != nil {
			return s.change(ctx, sn, u, p)
		}
		if u, err = s.newUser(sn, p); err == nil {
			err = s.setPassword(ctx, sn, u, p)
		}
		if err != nil {
			return err
		}
		err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return s.insert(ctx, tx, sn, u, p, map[string]bool{}) })
		if errors.Is(err, errExists) {
			return store.ErrConflict
		}
		return err
	})
}

// change brings a user into line. It writes nothing if the user is in line.
func (s *Service) change(ctx context.Context, sn *pool.Snapshot, u *user.User, p *Person) error {
	wanted, err := s.newUser(sn, p)
	if err != nil {
		return err
	}
	credential, err := s.newCredential(ctx, sn, u, p)
	if err != nil {
		return err
	}
	if credential != nil || !s.inLine(u, wanted, p) {
		err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
			e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
			if err != nil {
				return err
			}
			if credential != nil {
				if !slices.Equal(e.User.Rec.Credential, u.Rec.Credential) {
					return store.ErrConflict // The password was changed meanwhile.
				}
				e.User.Rec.Credential = credential
			}
			s.bringIntoLine(e.User, wanted, p)
			return e.Save(ctx, user.AliasExists)
		})
		if err != nil {
			return err
		}
	}
	return s.joinGroups(ctx, sn, u, p)
}

// newCredential returns the credential to store; nil if the user has the password.
func (s *Service) newCredential(ctx context.Context, sn *pool.Snapshot, u *user.User, p *Person) ([]byte, error) {
	if p.Password == "" {
		return nil, nil
	}
	c, err := s.deps.Users.Credential(u)
	if err != nil {
		return nil, err
	}
	if c.HasPassword() && c.PHC == "" && c.Temporary == p.isTemporary() {
		if matches, err := s.deps.Users.PasswordMatches(ctx, sn, u, c, string(p.Password)); err != nil || matches {
			return nil, err
		}
	}
	return s.deps.Users.NewCredential(ctx, sn, u, string(p.Password), p.isTemporary())
}

// inLine reports whether a user is as the person says, but for password and groups. wanted is the
// person as a new user.
func (s *Service) inLine(u, wanted *user.User, p *Person) bool {
	for name := range p.Attributes {
		if u.Attributes[name] != wanted.Attributes[name] {
			return false
		}
	}
	return (p.Status == "" || u.Status() == p.Status) && (p.Enabled == nil || u.Rec.Enabled == *p.Enabled) &&
		(len(p.TOTP) == 0 || s.deps.Factors.HasSecret(u, p.TOTP)) &&
		(len(p.MFA) == 0 || slices.Equal(u.MFA.Enabled, p.MFA) && u.MFA.Preferred == p.MFA[0])
}

func (s *Service) bringIntoLine(u, wanted *user.User, p *Person) {
	for name := range p.Attributes {
		if value, ok := wanted.Attributes[name]; ok {
			u.Attributes[name] = value
		} else {
			delete(u.Attributes, name)
		}
	}
	s.apply(u, p)
}

// joinGroups adds the user to the person's groups.
func (s *Service) joinGroups(ctx context.Context, sn *pool.Snapshot, u *user.User, p *Person) error {
	if len(p.Groups) == 0 {
		return nil
	}
	now, err := s.deps.Groups.Groups(ctx, u)
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range p.Groups {
		if !slices.ContainsFunc(now, func(g token.Group) bool { return groups.Key(g.Name) == groups.Key(name) }) {
			missing = append(missing, groups.Key(name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		for _, key := range missing {
			if err := s.deps.Groups.Add(ctx, tx, sn, key, u.ID()); err != nil {
				return err
			}
		}
		return nil
	}, store.Retry)
}
