package scim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// This file makes directories and their tokens, for an operator.

// tokenPrefix begins every token, so that scanners of source code can find one.
const tokenPrefix = "cognate_scim_"

// maxTokens is how many tokens a directory may have at a time: the old and the new one of a
// rotation, and some room.
const maxTokens = 10

// NewToken describes a token that an operator asks for. If the provider has no directory yet, it
// gets one with these settings. Settings that are empty stay as they are.
type NewToken struct {
	Pool     string `json:"pool"`
	Provider string `json:"provider"`
	// Subject is where the directory has the provider's name of a person: SubjectUserName (the
	// default) or SubjectExternalID.
	Subject string `json:"subject,omitempty"`
	// Attributes has SCIM attributes by the pool's attribute.
	Attributes map[string]string `json:"attributes,omitempty"`
	// Closed says that people sign in at the provider only if the directory has added them.
	Closed *bool `json:"closed,omitempty"`
	// Life is how long the token is valid; 0 is for ever.
	Life time.Duration `json:"life,omitempty"`
}

// A Directory is what an operator sees of a directory.
type Directory struct {
	Pool     string  `json:"pool"`
	Provider string  `json:"provider"`
	Subject  string  `json:"subject"`
	Closed   bool    `json:"closed"`
	Users    int     `json:"users"`
	Groups   int     `json:"groups"`
	Tokens   []Token `json:"tokens"`
}

// A Token is what an operator sees of a token.
type Token struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"` // zero: never
}

// hashOf returns the hash by which a token is found. A token has 130 random bits, so the
// hash needs no key.
func hashOf(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// CreateToken makes a token, and the directory if the provider does not have one. It returns the
// directory and the secret text of the token.
func (s *Service) CreateToken(ctx context.Context, in NewToken) (*Directory, string, error) {
	if in.Life < 0 {
		return nil, "", errors.New("the life of a token must not be negative")
	}
	sn, err := s.deps.Pools.Read(ctx, in.Pool)
	if err != nil {
		return nil, "", err
	}
	secret, now := tokenPrefix+rand.Text(), s.deps.Now()
	token := store.DirectoryToken{PoolID: sn.ID, ID: keys.NewUUID(), Hash: hashOf(secret), CreatedAt: now}
	if in.Life > 0 {
		token.ExpiresAt = now.Add(in.Life)
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := s.deps.Providers.InTransaction(ctx, tx, sn, in.Provider); err != nil {
			return err
		}
		if err := s.deps.Pools.Hold(ctx, tx, sn.ID); err != nil {
			return err
		}
		d, err := s.ensure(ctx, tx, sn, in)
		if err != nil {
			return err
		}
		tokens, err := tx.DirectoryTokens(ctx, sn.ID, d.ID)
		if err != nil {
			return err
		}
		if len(tokens) >= maxTokens {
			return fmt.Errorf("the directory has %d tokens: revoke one first", len(tokens))
		}
		token.DirectoryID = d.ID
		return tx.InsertDirectoryToken(ctx, token)
	}, store.Retry)
	if err != nil {
		return nil, "", err
	}
	d, err := s.describe(ctx, sn, in.Provider)
	return d, secret, err
}

// ensure returns the provider's directory with the settings of a request. It makes the directory
// if there is none.
func (s *Service) ensure(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, in NewToken) (store.Directory, error) {
	d, err := tx.DirectoryOf(ctx, sn.ID, in.Provider)
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return d, err
	}
	set := settings{Subject: SubjectUserName}
	if !isNew {
		if err := json.Unmarshal(d.Doc, &set); err != nil {
			return d, fmt.Errorf("scim: settings of %s: %w", d.ID, err)
		}
	}
	if in.Subject != "" && in.Subject != set.Subject && d.Users > 0 {
		return d, errors.New("the subject of a directory that has users cannot change")
	}
	if in.Subject != "" {
		set.Subject = in.Subject
	}
	if in.Attributes != nil {
		set.Attributes = in.Attributes
	}
	if in.Closed != nil {
		d.Closed = *in.Closed
	}
	if err := set.check(sn); err != nil {
		return d, err
	}
	if d.Doc, err = json.Marshal(&set); err != nil {
		return d, err
	}
	if !isNew {
		return d, tx.UpdateDirectory(ctx, d)
	}
	d.PoolID, d.ID, d.Provider, d.CreatedAt = sn.ID, keys.NewUUID(), in.Provider, s.deps.Now()
	return d, tx.InsertDirectory(ctx, d)
}

// maxDirectories is more than a pool can have: each provider has at most one.
const maxDirectories = 1000

// Directories lists the directories of a pool, by provider.
func (s *Service) Directories(ctx context.Context, poolID string) ([]Directory, error) {
	sn, err := s.deps.Pools.Read(ctx, poolID)
	if err != nil {
		return nil, err
	}
	records, err := s.deps.Store.Directories(ctx, sn.ID, maxDirectories)
	if err != nil {
		return nil, err
	}
	list := make([]Directory, 0, len(records))
	for _, r := range records {
		d, err := s.describe(ctx, sn, r.Provider)
		if errors.Is(err, store.ErrNotFound) {
			continue // removed in this moment
		}
		if err != nil {
			return nil, err
		}
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b Directory) int { return strings.Compare(a.Provider, b.Provider) })
	return list, nil
}

func (s *Service) describe(ctx context.Context, sn *pool.Snapshot, provider string) (*Directory, error) {
	d, err := s.deps.Store.DirectoryOf(ctx, sn.ID, provider)
	if err != nil {
		return nil, err
	}
	var set settings
	if err := json.Unmarshal(d.Doc, &set); err != nil {
		return nil, fmt.Errorf("scim: settings of %s: %w", d.ID, err)
	}
	tokens, err := s.deps.Store.DirectoryTokens(ctx, sn.ID, d.ID)
	if err != nil {
		return nil, err
	}
	out := &Directory{Pool: sn.ID, Provider: d.Provider, Subject: set.Subject, Closed: d.Closed, Users: d.Users, Groups: d.Groups, Tokens: []Token{}}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, Token{ID: t.ID, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt})
	}
	slices.SortFunc(out.Tokens, func(a, b Token) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out, nil
}

// RevokeToken deletes a token of the pool's directories. Every server refuses it from then on.
// Its errors never quote the id, since it may be the secret, pasted by mistake.
func (s *Service) RevokeToken(ctx context.Context, poolID, tokenID string) error {
	records, err := s.deps.Store.Directories(ctx, poolID, maxDirectories)
	if err != nil {
		return err
	}
	for _, d := range records {
		err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteDirectoryToken(ctx, poolID, d.ID, tokenID) })
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return errors.New("the pool has no token of this id; cognate admin scim list shows the ids")
}

// RemoveDirectory removes the directory of a provider, with its tokens. The users and groups that
// it has made stay in the pool.
func (s *Service) RemoveDirectory(ctx context.Context, poolID, provider string) error {
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		d, err := tx.DirectoryOf(ctx, poolID, provider)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the provider %q has no directory", provider)
		}
		if err != nil {
			return err
		}
		return tx.DeleteDirectory(ctx, poolID, d.ID)
	})
}
