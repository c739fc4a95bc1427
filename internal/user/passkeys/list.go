package passkeys

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/store"
	"cognate/internal/user"
)

// ListWebAuthnCredentials shows the passkeys of the token's user, the oldest first.
func (s *Service) ListWebAuthnCredentials(ctx context.Context, in *idp.ListWebAuthnCredentialsRequest) (*idp.ListWebAuthnCredentialsResponse, error) {
	const op = "ListWebAuthnCredentials"
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	bind := []string{p.Pool.ID, u.ID()}
	cursor, err := s.deps.Users.OpenPage(op, bind, in.NextToken)
	if err != nil {
		return nil, err
	}
	recs, err := readSorted(ctx, &s.deps.Store.Reader, p.Pool.ID, u.ID())
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		after, err := parseCursor(cursor)
		if err != nil {
			return nil, user.InvalidPage(err)
		}
		for len(recs) > 0 && compare(recs[0], after) <= 0 {
			recs = recs[1:]
		}
	}
	limit := maxPasskeys
	if n := int(api.Val(in.MaxResults)); n > 0 {
		limit = min(n, limit)
	}
	out := &idp.ListWebAuthnCredentialsResponse{Credentials: []idp.WebAuthnCredentialDescription{}}
	if len(recs) > limit {
		recs = recs[:limit]
		out.NextToken = s.deps.Users.NextPage(op, bind, formatCursor(recs[limit-1]))
	}
	for _, rec := range recs {
		k, err := open(rec)
		if err != nil {
			return nil, err
		}
		out.Credentials = append(out.Credentials, describe(k, rec.CreatedAt))
	}
	return out, nil
}

var errCursor = errors.New("passkeys: not a place in a list of passkeys")

// formatCursor returns a position in the list: creation, then id.
func formatCursor(rec store.Passkey) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(rec.CreatedAt.UnixMilli())), rec.ID...)
}

func parseCursor(b []byte) (store.Passkey, error) {
	if len(b) < 8 {
		return store.Passkey{}, errCursor
	}
	return store.Passkey{CreatedAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), ID: string(b[8:])}, nil
}

func describe(k *passkey.Key, created time.Time) idp.WebAuthnCredentialDescription {
	d := idp.WebAuthnCredentialDescription{
		CredentialId: k.ID, FriendlyCredentialName: friendlyName(k), RelyingPartyId: k.RelyingParty,
		AuthenticatorTransports: []string{}, CreatedAt: created,
	}
	if k.Attachment != "" {
		d.AuthenticatorAttachment = new(k.Attachment)
	}
	if k.Transports != nil {
		d.AuthenticatorTransports = k.Transports
	}
	return d
}

// authenticators has the names of widely used authenticators by AAGUID.
var authenticators = map[string]string{
	"fbfc3007154e4ecc8c0b6e020557d7bd": "Apple Passwords",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "iCloud Keychain",
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b440e3a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"53414d53554e47000000000000000000": "Samsung Pass",
}

// friendlyName returns the name of the authenticator's model, because the API has no
// parameter for a name.
func friendlyName(k *passkey.Key) string {
	if name := authenticators[hex.EncodeToString(k.AAGUID)]; name != "" {
		return name
	}
	switch k.Attachment {
	case "platform":
		return "Platform passkey"
	case "cross-platform":
		return "Roaming passkey"
	}
	return "Passkey"
}

// DeleteWebAuthnCredential removes a passkey of the token's user.
func (s *Service) DeleteWebAuthnCredential(ctx context.Context, in *idp.DeleteWebAuthnCredentialRequest) (*idp.DeleteWebAuthnCredentialResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeletePasskey(ctx, p.Pool.ID, u.ID(), in.CredentialId) })
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrText) {
		return nil, idp.ResourceNotFoundException("WebAuthn credential does not exist.").WithReason(api.ReasonNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &idp.DeleteWebAuthnCredentialResponse{}, nil
}

// OfUser describes the passkeys of a user, the oldest first. It returns no public key.
func OfUser(ctx context.Context, r *store.Reader, poolID, userID string) ([]idp.WebAuthnCredentialDescription, error) {
	recs, err := readSorted(ctx, r, poolID, userID)
	if err != nil {
		return nil, err
	}
	list := make([]idp.WebAuthnCredentialDescription, 0, len(recs))
	for _, rec := range recs {
		k, err := open(rec)
		if err != nil {
			return nil, err
		}
		list = append(list, describe(k, rec.CreatedAt))
	}
	return list, nil
}
