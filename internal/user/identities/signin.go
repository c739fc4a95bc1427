package identities

import (
	"context"
	"errors"
	"unicode/utf8"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/federation"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/providers"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

// Arrival is a person who a provider vouches for, at an app client.
type Arrival struct {
	Pool     *pool.Snapshot
	Client   *pool.Client
	Provider *providers.Provider
	Identity *federation.Identity
}

// maxUsername is the longest username, in characters.
const maxUsername = 128

// username returns the username of the person's profile (Cognito: federated users).
func (a *Arrival) username() string {
	return a.Pool.FoldUsername(a.Provider.Name + "_" + a.Identity.Subject)
}

// checkSubject rejects a person whose username the API does not take: it could not disable or
// delete the user.
func (a *Arrival) checkSubject() error {
	if name := a.username(); utf8.RuneCountInString(name) > maxUsername || a.Identity.Subject == "" || !schema.IsUsername(name) {
		return refuse("The user name from the identity provider is empty, too long or malformed")
	}
	return nil
}

func (a *Arrival) subject() key { return key{provider: a.Provider.Name, value: a.Identity.Subject} }

// refuse is the error that the app client hears.
func refuse(text string) error { return &federation.Error{Code: "invalid_request", Text: text} }

// maxTries bounds how often a first sign-in begins again because of another one.
const maxTries = 4

// errRaced says that another request has made the person's profile, or a link to it.
var errRaced = errors.New("identities: another request was faster")

// SignIn returns the user of the person. The first sign-in makes a profile; each later one
// updates it. It calls the pool's functions, so that no transaction may be open. Its errors
// are for the app client: an [federation.Error] or an exception of the API.
func (s *Service) SignIn(ctx context.Context, a Arrival) (*user.User, error) {
	if err := a.checkSubject(); err != nil {
		return nil, err
	}
	claims, err := s.inbound(ctx, &a)
	if err != nil {
		return nil, err
	}
	change, err := newChange(&a, claims)
	if err != nil {
		return nil, err
	}
	asked := false
	for range maxTries {
		id, err := s.find(ctx, &a, claims)
		switch {
		case err == nil:
			return s.again(ctx, &a, id, change)
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		u, err := s.first(ctx, &a, change, &asked)
		if !errors.Is(err, errRaced) {
			return u, err
		}
	}
	return nil, store.ErrConflict
}

// find returns the id of the person's user; store.ErrNotFound if there is none. A link by an
// attribute counts until the person signs in, which binds it to the person's own name.
func (s *Service) find(ctx context.Context, a *Arrival, claims map[string]any) (string, error) {
	r := &s.deps.Store.Reader
	id, err := r.IdentityOwner(ctx, a.Pool.ID, a.subject().hash(a.Pool))
	if !errors.Is(err, store.ErrNotFound) {
		return id, err
	}
	for _, k := range a.linkedKeys(claims) {
		id, err := r.IdentityOwner(ctx, a.Pool.ID, k.hash(a.Pool))
		if !errors.Is(err, store.ErrNotFound) {
			return id, err
		}
	}
	return "", store.ErrNotFound
}

// linkedKeys returns the keys of the person's attributes by which users of the pool are
// linked.
func (a *Arrival) linkedKeys(claims map[string]any) []key {
	var list []key
	for _, attribute := range a.Provider.Linked {
		source := attribute
		if mapped := a.Provider.Mapping[attribute]; mapped != "" {
			source = mapped
		}
		if value, ok := federation.Text(claims[source]); ok && value != "" {
			list = append(list, key{a.Provider.Name, attribute, value})
		}
	}
	return list
}

// checkDirectory rejects a person if the directory of the provider is closed and has not added
// the user. id is "" for a person without a user.
func (s *Service) checkDirectory(ctx context.Context, a *Arrival, id string) error {
	d, err := s.deps.Store.DirectoryOf(ctx, a.Pool.ID, a.Provider.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !d.Closed {
		return nil
	}
	if err == nil {
		_, err = s.deps.Store.Resource(ctx, a.Pool.ID, d.ID, store.ResourceUser, id)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return refuse("User does not exist.")
}

// first makes the person's profile. asked says that PreSignUp was asked already.
func (s *Service) first(ctx context.Context, a *Arrival, change *change, asked *bool) (*user.User, error) {
	if err := s.checkDirectory(ctx, a, ""); err != nil {
		return nil, err
	}
	u, err := s.newProfile(a, change)
	if err != nil {
		return nil, err
	}
	if !*asked && a.Pool.Triggers().PreSignUp != nil {
		*asked = true
		if err := s.preSignUp(ctx, a, u); err != nil {
			return nil, err
		}
		// The function may have linked the person to a user, by an attribute that is new.
		if err := s.reload(ctx, a); err != nil {
			return nil, err
		}
		if _, err := s.find(ctx, a, change.claims); err == nil {
			return nil, errRaced
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return s.insert(ctx, tx, a, u) }, store.Retry)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetUser(u.ID())
	return u, s.deps.Users.PostConfirmation(ctx, a.Pool, trigger.SourceConfirmSignUp, a.Client.ID, u, nil)
}

// reload reads the settings of the provider again.
func (s *Service) reload(ctx context.Context, a *Arrival) error {
	sn, err := s.deps.Pools.Read(ctx, a.Pool.ID)
	if err != nil {
		return err
	}
	p, err := s.deps.Providers.ByName(ctx, sn, a.Provider.Name)
	if err == nil && p != nil {
		a.Provider = p
	}
	return err
}

// newProfile returns the profile of a person, not stored yet.
func (s *Service) newProfile(a *Arrival, change *change) (*user.User, error) {
	now := s.deps.Now()
	u := &user.User{
		Rec: store.User{
			PoolID: a.Pool.ID, ID: keys.NewUUID(), Username: a.username(), UsernameKey: a.Pool.FoldUsername(a.username()),
			Status: string(idp.UserStatusTypeExternalProvider), Enabled: true, CreatedAt: now, ModifiedAt: now,
		},
		Attributes: map[string]string{},
	}
	if _, err := change.apply(a, u, true); err != nil {
		return nil, err
	}
	return u, setEntries(u, []entry{a.entry(now.UnixMilli(), true)})
}

func (a *Arrival) entry(at int64, primary bool) entry {
	e := entry{UserID: a.Identity.Subject, ProviderName: a.Provider.Name, ProviderType: a.Provider.Type, Primary: primary, DateCreated: at}
	if a.Identity.Issuer != "" {
		e.Issuer = &a.Identity.Issuer
	}
	return e
}

// insert stores the profile with its identity and its group.
func (s *Service) insert(ctx context.Context, tx *store.Tx, a *Arrival, u *user.User) error {
	hash := a.subject().hash(a.Pool)
	if _, err := tx.IdentityOwner(ctx, a.Pool.ID, hash); err == nil {
		return errRaced
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	err := s.deps.Users.Insert(ctx, tx, a.Pool, u, user.Insertion{
		Taken: func(string) error {
			return refuse("Already found an entry for username " + u.Username())
		},
		Conflict: user.LeaveAlias, // Nobody takes an address of a user by the word of a provider.
	})
	if err != nil {
		return err
	}
	err = tx.InsertIdentity(ctx, a.Pool.ID, hash, u.ID())
	if _, taken := errors.AsType[*store.ExistsError](err); taken {
		return errRaced
	}
	if err != nil {
		return err
	}
	return s.deps.Groups.Join(ctx, tx, a.Pool, u.ID(), a.Pool.ID+"_"+a.Provider.Name, "Autogenerated group for users who sign in using "+a.Provider.Name)
}

// again updates the user of a person who has signed in before, or who was linked.
func (s *Service) again(ctx context.Context, a *Arrival, id string, change *change) (*user.User, error) {
	u, err := s.read(ctx, a, id)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetUser(u.ID())
	if !u.Rec.Enabled {
		return nil, refuse("User is disabled.")
	}
	if err := s.checkDirectory(ctx, a, id); err != nil {
		return nil, err
	}
	if err := s.preAuthentication(ctx, a, u); err != nil {
		return nil, err
	}
	if u, err = s.update(ctx, a, u, change); err != nil {
		return nil, err
	}
	return u, s.postAuthentication(ctx, a, u)
}

func (s *Service) read(ctx context.Context, a *Arrival, id string) (*user.User, error) {
	rec, err := s.deps.Store.User(ctx, a.Pool.ID, id)
	if err != nil {
		return nil, user.AsUserNotFound(err)
	}
	return user.FromRecord(a.Pool, rec)
}

// update writes what the provider's claims change. Most sign-ins change nothing, and write
// nothing.
func (s *Service) update(ctx context.Context, a *Arrival, u *user.User, change *change) (*user.User, error) {
	changed, err := s.adopt(a, u, change)
	if err != nil || !changed {
		return u, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, a.Pool, u.ID())
		if err != nil {
			return err
		}
		if !e.User.Rec.Enabled {
			return refuse("User is disabled.")
		}
		if err := s.bind(ctx, tx, a, e.User, change); err != nil {
			return err
		}
		if _, err := s.adopt(a, e.User, change); err != nil {
			return err
		}
		u = e.User
		return e.Save(ctx, user.LeaveAlias)
	}, store.Retry)
	return u, err
}

// adopt puts the claims into the user and reports whether this changed anything. A link by an
// attribute becomes one by the person's own name. Whoever may not use the provider any more
// has no entry.
func (s *Service) adopt(a *Arrival, u *user.User, change *change) (bool, error) {
	entries, err := entriesOf(u)
	if err != nil {
		return false, err
	}
	at, bound := indexOf(a.Pool, entries, a.Provider.Name, a.Identity.Subject), false
	for _, k := range a.linkedKeys(change.claims) {
		if at < 0 {
			at = indexOf(a.Pool, entries, a.Provider.Name, k.value)
			bound = at >= 0
		}
	}
	if at < 0 {
		return false, refuse("User is disabled.")
	}
	if bound {
		was := entries[at]
		entries[at] = a.entry(was.DateCreated, was.Primary)
		if err := setEntries(u, entries); err != nil {
			return false, err
		}
	}
	changed, err := change.apply(a, u, false)
	return changed || bound, err
}

// bind replaces links by attributes by one by the person's own name.
func (s *Service) bind(ctx context.Context, tx *store.Tx, a *Arrival, u *user.User, change *change) error {
	subject := a.subject().hash(a.Pool)
	owner, err := tx.IdentityOwner(ctx, a.Pool.ID, subject)
	if err == nil {
		if owner != u.ID() {
			return store.ErrConflict // linked to another user in this moment
		}
		return nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for _, k := range a.linkedKeys(change.claims) {
		err := tx.DeleteIdentity(ctx, a.Pool.ID, k.hash(a.Pool), u.ID())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		err = tx.InsertIdentity(ctx, a.Pool.ID, subject, u.ID())
		if _, taken := errors.AsType[*store.ExistsError](err); taken {
			return store.ErrConflict
		}
		return err
	}
	return refuse("User is disabled.") // The link was taken away in this moment.
}

// flagOf returns the flag of an address; "" for other attributes.
func flagOf(attribute string) string {
	if attribute == schema.Email || attribute == schema.PhoneNumber {
		return schema.VerifiedFlag(attribute)
	}
	return ""
}
