package iam

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/cloudtrail"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/api/sts"
	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/record"
	"cognate/internal/keys"
	"cognate/internal/spelling"
	"cognate/internal/store"
)

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

// IsAccessKeyID reports whether a text has the form of the id of a user's access key.
func IsAccessKeyID(text string) bool { return keyForm.MatchString(text) }

// Administrator is the policy that allows every operation of the server.
var Administrator = NamedPolicy{
	Name:     "admin",
	Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-idp:*","cognito-identity:*","iam:*","sts:*","cloudtrail:*"],"Resource":"*"}]}`),
}

// CreateAccessKey makes a key for the user name, and the user if there is no such user. The
// policies become inline policies of a new user. A user that exists must have just these
// policies, because all keys of a user have the same rights. Without policies the key has
// those of the user. It returns the secret, which cannot be read again later.
func (s *Service) CreateAccessKey(ctx context.Context, name string, policies ...NamedPolicy) (AccessKey, keys.Secret, error) {
	if !nameForm.MatchString(name) {
		return AccessKey{}, "", errors.New("a name is 1 to 64 letters, digits and +=,.@_-")
	}
	for _, p := range policies {
		if err := CheckPolicy(p.Document); err != nil {
			return AccessKey{}, "", fmt.Errorf("policy %q: %w", p.Name, err)
		}
	}
	fresh, err := record.New(store.IAMUser, name, "/", "aws", s.deps.Now(), s.deps.Rand)
	if err != nil {
		return AccessKey{}, "", err
	}
	row, secret, err := s.MakeAccessKey(fresh)
	if err != nil {
		return AccessKey{}, "", err
	}
	var key AccessKey
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		user, err := userFor(ctx, tx, fresh, policies)
		if err != nil {
			return err
		}
		row.Name, row.PrincipalARN = user.Name, user.ARN(s.deps.AccountID)
		if err := tx.InsertAccessKey(ctx, row); err != nil {
			return err
		}
		key, err = describe(ctx, &tx.Reader, row)
		return err
	}, store.Retry)
	if err != nil {
		return AccessKey{}, "", err
	}
	s.Forget()
	return key, secret, nil
}

// userFor returns the user of a new key: the user that has the name, or a new user with the
// policies, which it stores.
func userFor(ctx context.Context, tx *store.Tx, fresh *record.Entity, policies []NamedPolicy) (*record.Entity, error) {
	if err := tx.TurnOfIAM(ctx); err != nil {
		return nil, err
	}
	row, err := tx.IAMEntity(ctx, store.IAMUser, fresh.Key)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if !known && len(policies) == 0 {
		return nil, fmt.Errorf("there is no user %s yet, and a key of a user without policies could do nothing: name one with --policy", fresh.Name)
	}
	user := *fresh
	if known {
		e, err := record.Read(row)
		if err != nil {
			return nil, err
		}
		user = *e
	}
	if len(policies) == 0 {
		return &user, nil
	}
	if err := checkSamePolicies(ctx, &tx.Reader, &user, policies); err != nil {
		return nil, err
	}
	user.Inline = nil
	for _, p := range policies {
		if user.InlinePolicy(p.Name) >= 0 {
			return nil, fmt.Errorf("two policies have the name %q", p.Name)
		}
		user.Inline = append(user.Inline, record.Inline{Name: p.Name, Document: string(p.Document)})
	}
	if row, err = user.Row(); err != nil {
		return nil, err
	}
	if known {
		return &user, tx.UpdateIAMEntity(ctx, row, user.OldKey())
	}
	return &user, tx.InsertIAMEntity(ctx, row)
}

// checkSamePolicies rejects policies that are not all that a user and its keys have. If the user
// has more, the new key could do more than the caller meant. If the user has less, its other keys
// would get new rights.
func checkSamePolicies(ctx context.Context, r *store.Reader, user *record.Entity, policies []NamedPolicy) error {
	var inline []NamedPolicy
	for _, in := range user.Inline {
		inline = append(inline, NamedPolicy{in.Name, json.RawMessage(in.Document)})
	}
	rows, err := r.AccessKeysOf(ctx, user.Key, math.MaxInt32)
	if err != nil {
		return err
	}
	same := len(rows) > 0 || len(inline) == 0 || samePolicies(inline, policies)
	for _, row := range rows {
		doc, err := readDocument(row) // A key that is older than users has policies of its own.
		if err != nil {
			return err
		}
		same = same && samePolicies(slices.Concat(doc.Policies, inline), policies)
	}
	for _, link := range []string{store.IAMAttached, store.IAMMember} {
		more, err := r.IAMLinks(ctx, user.Kind, user.Key, link)
		if err != nil {
			return err
		}
		same = same && len(more) == 0
	}
	if !same {
		return fmt.Errorf("the user %s has other policies, and all keys of a user have the same rights: choose another name, or name no policy to get a key with the user's policies", user.Name)
	}
	return nil
}

// samePolicies reports whether two lists have the same policies in any order.
func samePolicies(a, b []NamedPolicy) bool {
	sorted := func(list []NamedPolicy) []NamedPolicy {
		list = slices.SortedFunc(slices.Values(list), func(x, y NamedPolicy) int {
			return cmp.Or(strings.Compare(x.Name, y.Name), bytes.Compare(x.Document, y.Document))
		})
		return slices.CompactFunc(list, equalPolicies)
	}
	return slices.EqualFunc(sorted(a), sorted(b), equalPolicies)
}

func equalPolicies(a, b NamedPolicy) bool {
	return a.Name == b.Name && bytes.Equal(a.Document, b.Document)
}

// MakeAccessKey returns a new key of a user, which the caller stores, and its secret.
func (s *Service) MakeAccessKey(user *record.Entity) (store.AccessKey, keys.Secret, error) {
	id, secret, err := s.newKey()
	if err != nil {
		return store.AccessKey{}, "", err
	}
	doc, err := json.Marshal(keyDocument{Format: documentFormat})
	return store.AccessKey{
		ID: id, Name: user.Name, UserKey: user.Key, PrincipalARN: user.ARN(s.deps.AccountID), Version: 1,
		Secret: s.deps.Ring.Seal(keys.PurposeAccessKey, sealedAs(id), []byte(secret)), Doc: doc, CreatedAt: s.deps.Now(),
	}, secret, err
}

// IsActive reports whether a stored key may be used.
func IsActive(row store.AccessKey) (bool, error) {
	doc, err := readDocument(row)
	return !doc.Inactive, err
}

// SetActive changes whether a stored key may be used.
func SetActive(row *store.AccessKey, active bool) error {
	doc, err := readDocument(*row)
	if err != nil {
		return err
	}
	doc.Inactive = !active
	row.Doc, err = json.Marshal(doc)
	return err
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
	d, err := policy.Parse(policy.Identity, text, policy.Options{SupportedKey: knownKey})
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

// knownKey reports whether requests carry the condition key: those to this server, or those
// to the gateway.
func knownKey(key string) bool { return supportedKey(key) || operation.SupportedKey(key) }

// actions returns the actions of all services and of the gateway, sorted.
func actions() []string {
	names := operation.Actions()
	for _, operations := range []map[string]*api.Operation{idp.Operations, identity.Operations, sts.Operations, iamapi.Operations, cloudtrail.Operations} {
		for _, op := range operations {
			names = append(names, op.Action())
		}
	}
	names = append(names, actionPassRole, "sts:TagSession", "sts:SetSourceIdentity")
	slices.Sort(names)
	return slices.Compact(names)
}

// AccessKeys lists all keys, without their secrets.
func (s *Service) AccessKeys(ctx context.Context) (out []AccessKey, err error) {
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		rows, err := r.AccessKeys(ctx)
		if err != nil {
			return err
		}
		out = make([]AccessKey, 0, len(rows))
		for _, row := range rows {
			k, err := describe(ctx, r, row)
			if err != nil {
				return err
			}
			out = append(out, k)
		}
		return nil
	})
	return out, err
}

// DeleteAccessKey revokes a key for good. Other nodes notice within a second.
func (s *Service) DeleteAccessKey(ctx context.Context, id string) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteAccessKey(ctx, id) })
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknownKey
	}
	s.principals.entries.Invalidate(id)
	return err
}

// describe returns a key with its own policies and those of its user.
func describe(ctx context.Context, r *store.Reader, row store.AccessKey) (AccessKey, error) {
	doc, err := readDocument(row)
	if err != nil {
		return AccessKey{}, err
	}
	k := AccessKey{
		ID: row.ID, Name: row.Name, PrincipalARN: row.PrincipalARN, CreatedAt: row.CreatedAt,
		Active: !doc.Inactive, Policies: doc.Policies,
	}
	user, err := r.IAMEntity(ctx, store.IAMUser, row.UserKey)
	if errors.Is(err, store.ErrNotFound) {
		return k, nil
	}
	if err != nil {
		return AccessKey{}, err
	}
	e, err := record.Read(user)
	if err != nil {
		return AccessKey{}, err
	}
	for _, in := range e.Inline {
		k.Policies = append(k.Policies, NamedPolicy{Name: in.Name, Document: json.RawMessage(in.Document)})
	}
	attached, err := r.IAMLinks(ctx, e.Kind, e.Key, store.IAMAttached)
	for _, l := range attached {
		k.Policies = append(k.Policies, NamedPolicy{Name: l.Target[strings.IndexByte(l.Target, ':')+1:]})
	}
	return k, err
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
