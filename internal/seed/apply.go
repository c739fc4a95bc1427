package seed

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/idp"
	"cognate/internal/api/invoke"
	"cognate/internal/identitypool"
	"cognate/internal/pool"
	"cognate/internal/pool/chosenid"
	"cognate/internal/store"
	"cognate/internal/user/provision"
)

// Deps is what the service works with.
type Deps struct {
	// UserPools has all operations of user pools, and Pools what the API cannot say of them.
	UserPools     idp.Service
	Pools         *pool.Service
	IdentityPools *identitypool.Service
	IAM           iamapi.Service
	People        *provision.Service
	Store         *store.Store
	AccountID     string
	Log           *slog.Logger
}

// Service applies seeds and exports the state of the server.
type Service struct {
	deps Deps
	// applying lets one seed at a time be applied.
	applying sync.Mutex
}

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// Apply brings the server into line with a seed. What the seed does not name stays. The whole seed
// is checked before anything is stored. If an operation fails all the same, the user pools, identity
// pools and roles that this call has created are removed. Changes of those that existed stay. To
// apply the seed again goes on.
func (s *Service) Apply(ctx context.Context, f *File) (*Result, error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	a := &applier{Service: s, file: f, problems: &problems{source: f.source}, result: &Result{}}
	if err := a.preview(); err != nil {
		return nil, err
	}
	if err := a.all(ctx); err != nil {
		a.undo(context.WithoutCancel(ctx))
		return nil, err
	}
	return a.result, nil
}

// An applier applies one seed.
type applier struct {
	*Service
	*problems
	file   *File
	result *Result
	// people are the users of each pool, as they were checked.
	people []people
	// removals undo what was created, in the order of creation.
	removals []func(ctx context.Context) error
}

// people are the users of a pool that it accepts, and their places in the file.
type people struct {
	list   []provision.Person
	places []int
}

// preview checks what only the rules of pools and users can tell.
func (a *applier) preview() error {
	for i := range a.file.UserPools {
		p := &a.file.UserPools[i]
		path := fmt.Sprintf("userPools[%d]", i)
		a.people = append(a.people, people{})
		in, err := invoke.Decode[idp.CreateUserPoolRequest](idp.Operations["CreateUserPool"], body(p.Settings, map[string]any{"PoolName": p.Name}))
		if err != nil {
			a.at(path+".settings", "%s", invoke.Text(err))
			continue
		}
		var mfa *idp.SetUserPoolMfaConfigRequest
		if p.MFA != nil {
			if mfa, err = invoke.Decode[idp.SetUserPoolMfaConfigRequest](idp.Operations["SetUserPoolMfaConfig"], body(p.MFA, map[string]any{"UserPoolId": "us-east-1_a"})); err != nil {
				a.at(path+".mfa", "%s", invoke.Text(err))
				continue
			}
		}
		sn, err := a.deps.Pools.Preview(in, mfa, cmp.Or(p.ID, a.file.Region+"_seed"), p.homonyms...)
		if err != nil {
			a.at(path+".settings", "%s", invoke.Text(err))
			continue
		}
		a.people[i] = a.previewUsers(sn, p, path)
	}
	return a.Err()
}

// previewUsers checks the users of a pool by its settings.
func (a *applier) previewUsers(sn *pool.Snapshot, p *UserPool, path string) people {
	accepted := people{list: make([]provision.Person, 0, len(p.Users))}
	owners := map[store.Name]int{}
	for i := range p.Users {
		u := &p.Users[i]
		at := fmt.Sprintf("%s.users[%d]", path, i)
		one := person(u)
		if err := a.deps.People.Check(sn, &one); err != nil {
			if u.lenient {
				a.result.Skipped = append(a.result.Skipped, fmt.Sprintf("the user %s of the user pool %s: %s", u.Username, p.ID, invoke.Text(err)))
				continue
			}
			if api.CodeOf(err) == "InvalidPasswordException" {
				at += ".password"
			}
			a.at(at, "%s", invoke.Text(err))
			continue
		}
		for _, name := range a.deps.People.Names(sn, &one) {
			other, taken := owners[name]
			if taken && p.Users[other].Username != u.Username { // else the check of the file says so
				a.at(at, "users[%d] has the same %s", other, name.Kind)
			}
			if !taken {
				owners[name] = i
			}
		}
		accepted.list, accepted.places = append(accepted.list, one), append(accepted.places, i)
	}
	return accepted
}

// person returns a user of the file for package provision.
func person(u *User) provision.Person {
	p := provision.Person{
		Username: u.Username, Sub: u.Sub, Attributes: u.Attributes, Password: u.Password, Hash: u.PasswordHash, AnyPassword: u.lenient,
		Status: idp.UserStatusType(u.Status), Enabled: u.Enabled, Groups: u.Groups, MFA: u.MFA,
	}
	if u.TOTPSecret != "" {
		p.TOTP, _ = totpSecret(u.TOTPSecret) // It was checked.
		if p.MFA == nil {
			p.MFA = []string{factorTOTP}
		}
	}
	return p
}

// failed returns the error of an operation for a field of the file.
func (a *applier) failed(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New(Problem{File: a.source.name, Line: a.source.line(path), Field: path, Text: invoke.Text(err)}.String())
}

func (a *applier) all(ctx context.Context) error {
	for i := range a.file.Roles {
		path := fmt.Sprintf("roles[%d]", i)
		if err := a.role(invoke.In(ctx, a.file.Region), &a.file.Roles[i], path); err != nil {
			return err
		}
	}
	for i := range a.file.UserPools {
		if err := a.userPool(ctx, &a.file.UserPools[i], a.people[i], fmt.Sprintf("userPools[%d]", i)); err != nil {
			return err
		}
	}
	for i := range a.file.IdentityPools {
		if err := a.identityPool(ctx, &a.file.IdentityPools[i], fmt.Sprintf("identityPools[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// undo removes what this call has created.
func (a *applier) undo(ctx context.Context) {
	for _, remove := range slices.Backward(a.removals) {
		if err := remove(ctx); err != nil {
			a.deps.Log.WarnContext(ctx, "a part of a failed seed could not be removed", slog.Any("error", err))
		}
	}
}

// ensure creates a thing that does not exist, and changes a thing that does. If another process
// creates it at the same moment, it is changed then.
func ensure(find func() (bool, error), create, change func() error) error {
	for last := false; ; last = true {
		exists, err := find()
		if err != nil {
			return err
		}
		if exists {
			return invoke.Again(change)
		}
		if err = invoke.Again(create); err == nil || last {
			return err
		}
		if exists, findErr := find(); findErr != nil || !exists {
			return err
		}
	}
}

// exists turns the answer of an operation that describes a thing into whether it exists.
func exists(err error) (bool, error) {
	if invoke.IsMissing(err) {
		return false, nil
	}
	return err == nil, err
}

// roleARN returns the ARN of a role that the file names, or the ARN itself.
func (a *applier) roleARN(role string) string {
	if role == "" || strings.HasPrefix(role, "arn:") {
		return role
	}
	path := "/"
	for i := range a.file.Roles {
		if a.file.Roles[i].Name == role && a.file.Roles[i].Path != "" {
			path = a.file.Roles[i].Path
		}
	}
	return "arn:" + api.Partition(a.file.Region) + ":iam::" + a.deps.AccountID + ":role" + path + role
}

// contains reports whether JSON has all that other JSON has: each member of an object, with what
// that member has.
func contains(all, some any) bool {
	want, ok := some.(map[string]any)
	if !ok {
		return equal(all, some)
	}
	have, ok := all.(map[string]any)
	if !ok {
		return false
	}
	for name, value := range want {
		if value != nil && !contains(have[name], value) {
			return false
		}
	}
	return true
}

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// tree parses JSON.
func tree(text []byte) any {
	var v any
	_ = json.Unmarshal(text, &v) // The texts were made by this program.
	return v
}

// regionOf returns the Region of a pool of the file.
func (a *applier) regionOf(id string) string {
	if id == "" {
		return a.file.Region
	}
	return chosenid.RegionOf(id)
}
