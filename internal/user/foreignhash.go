package user

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// A password hash of another program costs up to a second or 128 MiB. Such hashes have a
// gate of their own before the common one, with half its places. So the first sign-ins
// after an import leave room for all other sign-ins.
func newForeignGate() *keys.Gate {
	places := max(1, runtime.GOMAXPROCS(0)/2)
	return keys.NewGate(places, places*foreignQueue)
}

// foreignQueue is how many callers may wait for each place: at a second each, 16 seconds.
const foreignQueue = 16

// foreignMatches compares a password with the imported hash of the user. If it matches, a
// verifier takes the place of the hash: then the next sign-in costs as much as any other,
// and SRP works.
func (s *Service) foreignMatches(ctx context.Context, sn *pool.Snapshot, u *User, c *Credential, password string) (bool, error) {
	next := &Credential{Salt: srp.NewSalt(), SetAt: c.SetAt, Temporary: c.Temporary, History: c.History}
	matches, failed := false, error(nil)
	err := s.foreignGated(ctx, func() {
		if matches, failed = keys.VerifyPassword(c.PHC, password); matches {
			next.Verifier = srp.Verifier(sn.SRPName, u.Username(), password, next.Salt)
		}
	})
	if err != nil {
		return false, err
	}
	if failed != nil {
		return false, fmt.Errorf("user: imported hash of %s: %w", u.ID(), failed)
	}
	if matches {
		s.replaceForeign(ctx, sn, u, next)
	}
	return matches, nil
}

// foreignGated runs the work of an imported hash behind both gates. It returns
// TooManyRequestsException if a queue is full.
func (s *Service) foreignGated(ctx context.Context, f func()) error {
	if err := s.foreign.Acquire(ctx); err != nil {
		return asTooManyRequests(err)
	}
	defer s.foreign.Release()
	return s.gated(ctx, f)
}

// replaceForeign stores the verifier unless the credential has changed. It logs an error
// and returns none: the password was right, so the sign-in succeeds anyway.
func (s *Service) replaceForeign(ctx context.Context, sn *pool.Snapshot, u *User, next *Credential) {
	if keep := sn.PasswordPolicy.HistorySize; keep > 0 {
		sum := sha256.Sum256(next.Verifier)
		next.History = append([]Past{{Salt: next.Salt, Sum: sum[:]}}, next.History...)
		next.History = next.History[:min(len(next.History), keep)]
	}
	sealed, err := s.sealCredential(u, next)
	if err == nil {
		err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
			rec, err := tx.User(ctx, sn.ID, u.ID())
			if err != nil || !bytes.Equal(rec.Credential, u.Rec.Credential) {
				return err
			}
			rec.Credential = sealed
			return tx.UpdateUser(ctx, rec)
		}, store.Retry)
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "imported password hash not replaced", slog.String("user", u.ID()), slog.Any("error", err))
	}
}

// NewForeignCredential returns the sealed credential of a user whose password is known
// by the hash of another program. The caller stores it as Rec.Credential.
func (s *Service) NewForeignCredential(u *User, phc string) ([]byte, error) {
	return s.sealCredential(u, &Credential{PHC: phc, SetAt: s.deps.Now().UTC().Truncate(time.Millisecond)})
}

// isForeign reports whether the password matches the imported hash. It costs as much as a
// sign-in with that hash, and so waits at the same gates. A hash that cannot be parsed
// matches no password.
func (s *Service) isForeign(ctx context.Context, c *Credential, password string) (matches bool, err error) {
	if c.PHC == "" {
		return false, nil
	}
	err = s.foreignGated(ctx, func() {
		ok, failed := keys.VerifyPassword(c.PHC, password)
		matches = ok && failed == nil
	})
	return matches, err
}
