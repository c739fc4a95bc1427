package passkeys

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/passkey"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// registrationChallenge labels the keyed hash under which challenges are stored.
// decoyPasskey labels the id of a decoy's passkey.
const (
	registrationChallenge keys.Purpose = "passkey registration"
	decoyPasskey          keys.Purpose = "absent user passkey"
)

// RelyingParty returns the relying party of the pool's passkeys. It returns false if the
// pool has neither a relying party id nor a domain.
func (s *Service) RelyingParty(sn *pool.Snapshot) (passkey.RelyingParty, bool) {
	rp := passkey.RelyingParty{Verify: sn.PasskeysAreTwoFactors()}
	if w := sn.MFA.WebAuthn; w != nil {
		rp.ID = api.Val(w.RelyingPartyId)
		rp.Verify = rp.Verify || w.UserVerification == idp.UserVerificationTypeRequired
	}
	switch {
	case rp.ID != "":
	case sn.CustomDomain != "":
		rp.ID = sn.CustomDomain
	case sn.Domain != "" && s.deps.LoginHost != nil:
		if host := s.deps.LoginHost(sn.Region); host != "" {
			rp.ID = sn.Domain + "." + host
		}
	}
	return rp, rp.ID != ""
}

// record is the document of a stored passkey.
type record struct {
	Version int `json:"v"`
	passkey.Key
}

const recordVersion = 1

// Usable returns the passkeys that the user can sign in with: those of the pool's current
// relying party. A decoy has one that no authenticator has.
func (s *Service) Usable(ctx context.Context, r *store.Reader, sn *pool.Snapshot, u *user.User) ([]*passkey.Key, error) {
	rp, ok := s.RelyingParty(sn)
	if !ok {
		return nil, nil
	}
	recs, err := readSorted(ctx, r, sn.ID, u.ID())
	if err != nil {
		return nil, err
	}
	if u.IsDecoy() {
		id := s.deps.Ring.Derive(decoyPasskey, []byte(sn.ID), []byte(u.ID()))
		return []*passkey.Key{{ID: base64URL(id[:]), RelyingParty: rp.ID, Transports: []string{"hybrid", "internal"}}}, nil
	}
	list, err := openAll(recs)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(k *passkey.Key) bool { return k.RelyingParty != rp.ID }), nil
}

// readSorted reads the user's passkeys, the oldest first. There are few.
func readSorted(ctx context.Context, r *store.Reader, poolID, userID string) ([]store.Passkey, error) {
	recs, err := r.Passkeys(ctx, poolID, userID)
	slices.SortFunc(recs, compare)
	return recs, err
}

func compare(a, b store.Passkey) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func openAll(recs []store.Passkey) ([]*passkey.Key, error) {
	list := make([]*passkey.Key, 0, len(recs))
	for _, rec := range recs {
		k, err := open(rec)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

func open(rec store.Passkey) (*passkey.Key, error) {
	var doc record
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return nil, fmt.Errorf("passkeys: passkey of %s: %w", rec.UserID, err)
	}
	if doc.Version != recordVersion {
		return nil, fmt.Errorf("passkeys: passkey of %s has form %d, not %d", rec.UserID, doc.Version, recordVersion)
	}
	doc.ID, doc.SignCount = rec.ID, uint32(rec.SignCount)
	return &doc.Key, nil
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
