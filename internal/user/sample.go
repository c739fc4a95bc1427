package user

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// sample is a user who is in no pool, with a record, a profile and a sealed credential of
// the usual size. A decoy is made of it by the steps that make a user of a row, so that a
// decoy takes as much time as a user.
type sample struct {
	user       *store.UserSample
	poolID, id string
	credential []byte
}

// newSample makes the sample of this process. Its password is random and not kept.
func (s *Service) newSample() (*sample, error) {
	seed := make([]byte, 32)
	rand.Read(seed)
	now := s.deps.Now()
	u := &User{
		Rec: store.User{
			PoolID: "us-east-1_000000000", ID: keys.NewUUID(), Username: keys.NewUUID(),
			Status: string(idp.UserStatusTypeConfirmed), Enabled: true, CreatedAt: now, ModifiedAt: now,
		},
		Attributes: map[string]string{"email": "nobody@example.com", "email_verified": "true", "family_name": "Nobody", "given_name": "Nemo"},
	}
	u.Rec.UsernameKey = u.Rec.Username
	credential, err := s.sealCredential(u, &Credential{
		Salt: srp.NewSalt(), Verifier: srp.FakeVerifier(seed), SetAt: now.UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return nil, err
	}
	u.Rec.Credential = credential
	rec, err := u.Record()
	if err != nil {
		return nil, err
	}
	record, err := store.NewUserSample(rec)
	return &sample{record, u.Rec.PoolID, u.Rec.ID, credential}, err
}

// currentSample returns the sample, which is made by the first call.
func (s *Service) currentSample() (*sample, error) {
	if current := s.sample.Load(); current != nil {
		return current, nil
	}
	made, err := s.newSample()
	if err != nil {
		return nil, fmt.Errorf("user: sample: %w", err)
	}
	s.sample.CompareAndSwap(nil, made)
	return s.sample.Load(), nil
}

// readSample takes the steps of FromRecord.
func (s *Service) readSample(sn *pool.Snapshot) error {
	current, err := s.currentSample()
	if err != nil {
		return err
	}
	rec, err := current.user.Read()
	if err != nil {
		return err
	}
	_, err = FromRecord(sn, rec)
	return err
}

// sampleCredential opens the sample's credential, as that of a user is opened. A
// sample whose key was retired is made again.
func (s *Service) sampleCredential() (*Credential, error) {
	current, err := s.currentSample()
	if err != nil {
		return nil, err
	}
	plain, err := s.deps.Ring.Open(keys.PurposeSRPVerifier, credentialAD(current.poolID, current.id), current.credential)
	if err != nil {
		s.sample.CompareAndSwap(current, nil)
		if current, err = s.currentSample(); err != nil {
			return nil, err
		}
		if plain, err = s.deps.Ring.Open(keys.PurposeSRPVerifier, credentialAD(current.poolID, current.id), current.credential); err != nil {
			return nil, fmt.Errorf("user: sample: %w", err)
		}
	}
	c := &Credential{}
	if err := json.Unmarshal(plain, c); err != nil {
		return nil, fmt.Errorf("user: sample: %w", err)
	}
	return c, nil
}
