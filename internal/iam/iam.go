// Package iam knows who may act as an administrator: access keys, the identity
// policies attached to them, and whether these allow an operation.
//
// It knows nothing of what the operations do. Package sigv4 below it verifies
// signatures by the secrets that [Service.Lookup] returns. The package that receives
// a request uses both. Secrets are sealed in the store. They are shown once, when
// they are made.
package iam

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/api/sts"
	"cognate/internal/iam/policy"
	"cognate/internal/keys"
	"cognate/internal/spelling"
	"cognate/internal/store"
)

// Why Lookup returns no principal. Any other error is the server's fault.
var (
	// ErrUnknownKey means that no key of that id can be used: it does not exist, or it
	// is switched off.
	ErrUnknownKey = errors.New("iam: no such access key")
	// ErrExpiredToken means that the session token is too old. Long-term keys have
	// no session token.
	ErrExpiredToken = errors.New("iam: expired session token")
)

// Deps are what a Service is built from.
type Deps struct {
	Store     *store.Store
	Ring      *keys.Ring
	Now       func() time.Time
	Rand      io.Reader // nil is crypto/rand
	AccountID string
	// ResourceTags returns the tags of the resource with this ARN, for policies
	// that ask for aws:ResourceTag. Nil: no resource has tags.
	ResourceTags func(ctx context.Context, arn string) (map[string]string, error)
}

// Service manages access keys and decides by their policies.
type Service struct {
	deps  Deps
	cache *otter.Cache[string, cached]
}

// cacheAge is the longest that a revoked key or an old policy may still be used.
const cacheAge = time.Second

// cacheSize bounds the cache; only keys that exist are kept.
const cacheSize = 1024

type cached struct {
	principal *Principal
	until     time.Time
}

// New makes a Service.
func New(d Deps) *Service {
	if d.Rand == nil {
		d.Rand = rand.Reader
	}
	return &Service{deps: d, cache: otter.Must(&otter.Options[string, cached]{MaximumSize: cacheSize})}
}

// A Principal is the identity that an access key stands for.
type Principal struct {
	AccessKeyID string
	Secret      keys.Secret
	// ARN is arn:aws:iam::<account>:user/<name>.
	ARN      string
	Name     string
	policies []*policy.Document
}

// NamedPolicy is one policy of a key, as it was given.
type NamedPolicy struct {
	Name     string          `json:"name"`
	Document json.RawMessage `json:"document"`
}

// AccessKey describes a key without its secret.
type AccessKey struct {
	ID           string
	Name         string
	PrincipalARN string
	CreatedAt    time.Time
	Active       bool
	Policies     []NamedPolicy
}

// PolicyNames returns the names of the key's policies.
func (k AccessKey) PolicyNames() []string {
	names := make([]string, 0, len(k.Policies))
	for _, p := range k.Policies {
		names = append(names, p.Name)
	}
	return names
}

// keyDocument is the versioned document of a stored key.
type keyDocument struct {
	Format   int           `json:"format"`
	Inactive bool          `json:"inactive,omitempty"`
	Policies []NamedPolicy `json:"policies"`
}

const documentFormat = 1

// sealedAs binds a sealed secret to its row.
func sealedAs(id string) []byte { return []byte("access_keys\x00\x00" + id) }

var (
	keyForm  = regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`)
	nameForm = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`) // IAM: user names
)

// Administrator is the policy that allows every operation of user pools.
var Administrator = NamedPolicy{
	Name:     "admin",
	Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*"}]}`),
}

// CreateAccessKey makes a key for the user name with the policies. It returns the
// secret, which cannot be read again later.
func (s *Service) CreateAccessKey(ctx context.Context, name string, policies ...NamedPolicy) (AccessKey, keys.Secret, error) {
	if !nameForm.MatchString(name) {
		return AccessKey{}, "", errors.New("a name is 1 to 64 letters, digits and +=,.@_-")
	}
	if len(policies) == 0 {
		return AccessKey{}, "", errors.New("a key without a policy could do nothing: name one")
	}
	for _, p := range policies {
		if err := CheckPolicy(p.Document); err != nil {
			return AccessKey{}, "", fmt.Errorf("policy %q: %w", p.Name, err)
		}
	}
	id, secret, err := s.newKey()
	if err != nil {
		return AccessKey{}, "", err
	}
	doc, err := json.Marshal(keyDocument{Format: documentFormat, Policies: policies})
	if err != nil {
		return AccessKey{}, "", err
	}
	row := store.AccessKey{
		ID: id, Name: name, UserKey: strings.ToLower(name), PrincipalARN: "arn:aws:iam::" + s.deps.AccountID + ":user/" + name,
		Secret: s.deps.Ring.Seal(keys.PurposeAccessKey, sealedAs(id), []byte(secret)), Doc: doc, CreatedAt: s.deps.Now(),
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.InsertAccessKey(ctx, row) })
	if err != nil {
		return AccessKey{}, "", err
	}
	key, err := describe(row)
	return key, secret, err
}

// maxPolicyBytes bounds a key's policy. IAM's own limit for a managed policy is 6,144
// characters without white space.
const maxPolicyBytes = 16 << 10

// CheckPolicy rejects an invalid policy, and a policy that names an unknown action or
// condition key: such an Allow would allow nothing, and such a Deny would deny
// nothing. Existing keys keep policies that an older version accepted.
func CheckPolicy(text []byte) error {
	if len(text) > maxPolicyBytes {
		return fmt.Errorf("policy: longer than %d bytes", maxPolicyBytes)
	}
	d, err := policy.Parse(policy.Identity, text, policy.Options{SupportedKey: supportedKey})
	if unknown, ok := errors.AsType[*policy.UnknownKeyError](err); ok {
		return fmt.Errorf("%w%s", err, spelling.Meant(unknown.Key, supportedKeys))
	}
	if err != nil {
		return err
	}
	known := actions()
	if name := d.Unmatched(known); name != "" {
		return fmt.Errorf("policy: there is no action %q%s", name, spelling.Meant(name, known))
	}
	return nil
}

// actions returns the actions of all services, sorted.
func actions() []string {
	var names []string
	for _, operations := range []map[string]*api.Operation{idp.Operations, identity.Operations, sts.Operations} {
		for _, op := range operations {
			names = append(names, op.Action())
		}
	}
	slices.Sort(names)
	return names
}

// AccessKeys lists all keys, without their secrets.
func (s *Service) AccessKeys(ctx context.Context) ([]AccessKey, error) {
	rows, err := s.deps.Store.AccessKeys(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]AccessKey, 0, len(rows))
	for _, r := range rows {
		k, err := describe(r)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// DeleteAccessKey revokes a key for good. Other nodes notice within a second.
func (s *Service) DeleteAccessKey(ctx context.Context, id string) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteAccessKey(ctx, id) })
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknownKey
	}
	s.cache.Invalidate(id)
	return err
}

func describe(r store.AccessKey) (AccessKey, error) {
	doc, err := readDocument(r)
	if err != nil {
		return AccessKey{}, err
	}
	return AccessKey{
		ID: r.ID, Name: r.Name, PrincipalARN: r.PrincipalARN, CreatedAt: r.CreatedAt,
		Active: !doc.Inactive, Policies: doc.Policies,
	}, nil
}

func readDocument(r store.AccessKey) (keyDocument, error) {
	var doc keyDocument
	if err := json.Unmarshal(r.Doc, &doc); err != nil {
		return doc, fmt.Errorf("iam: access key %s: %w", r.ID, err)
	}
	if doc.Format != documentFormat {
		return doc, fmt.Errorf("iam: access key %s has a document of format %d; this version reads %d", r.ID, doc.Format, documentFormat)
	}
	return doc, nil
}

// The alphabets of AWS's own keys: base 32 for the id, 40 letters for the secret.
const (
	idLetters     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

func (s *Service) newKey() (id string, secret keys.Secret, err error) {
	b := make([]byte, 16+40)
	if _, err := io.ReadFull(s.deps.Rand, b); err != nil {
		return "", "", err
	}
	// The sizes of both alphabets divide 256, so all letters are equally likely.
	letters, tail := b[:16], b[16:]
	for i := range letters {
		letters[i] = idLetters[letters[i]%32]
	}
	for i := range tail {
		tail[i] = secretLetters[tail[i]%64]
	}
	return "AKIA" + string(letters), keys.Secret(tail), nil
}
