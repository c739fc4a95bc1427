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

// A password hash of another program costs up to a second or 128 MiB, whatever
// that program chose. Such hashes have a gate of their own before the common
// one, with half its places, so that a day of first sign-ins after an import
// leaves room for everybody else's.
func newForeignGate() *keys.Gate {
	places := max(1, runtime.GOMAXPROCS(0)/2)
	return keys.NewGate(places, places*foreignQueue)
}

// foreignQueue is short: at a second each, nobody waits longer than this.
const foreignQueue = 16

// foreignMatches compares a password with the imported hash of the user. Where
// it is right, a verifier takes the hash's place, so that the next sign-in costs
// what every other costs, and SRP works.
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
		s.upgrade(ctx, sn, u, next)
	}
	return matches, nil
}

// foreignGated runs the work of an imported hash in its turn at both gates. A
// queue that is full sheds the call.
func (s *Service) foreignGated(ctx context.Context, f func()) error {
	if err := s.foreign.Acquire(ctx); err != nil {
		return busy(err)
	}
	defer s.foreign.Release()
	return s.gated(ctx, f)
}

// upgrade stores the verifier unless the credential is another one by now. The
// password was right: that it could not be stored keeps nobody from signing in.
func (s *Service) upgrade(ctx context.Context, sn *pool.Snapshot, u *User, next *Credential) {
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

// isForeign reports whether the password is that of the imported hash. It costs
// what a sign-in with that hash costs, and so waits at the same gates. A hash that
// cannot be read is nobody's password.
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
