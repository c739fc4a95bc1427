package token

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Errors of VerifyLogin.
var (
	// ErrNotToken says that the text is no token of this server's form.
	ErrNotToken = errors.New("token: not a JSON Web Token")
	// ErrOtherIssuer says that the token is of another issuer.
	ErrOtherIssuer = errors.New("token: of another issuer")
	// ErrNotVerified says that no key of the issuer has signed the token.
	ErrNotVerified = errors.New("token: the signature is not valid")
)

// A Login is a token of a user pool that proves who a person is to another service. Whether it
// has expired, and for which audience it is, the service decides.
type Login struct {
	Claims map[string]any // numbers are json.Number
}

// Text returns a claim that is a text, else "".
func (l *Login) Text(claim string) string {
	text, _ := l.Claims[claim].(string)
	return text
}

// IssuerOf returns the iss of a token without verifying the token, "" if there is no iss. It is for
// choosing who verifies the token.
func IssuerOf(raw string) string {
	claims, err := peekClaims(raw)
	if err != nil {
		return ""
	}
	text, _ := claims["iss"].(string)
	return text
}

func peekClaims(raw string) (map[string]any, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || len(raw) > keys.MaxJWS {
		return nil, ErrNotToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, ErrNotToken
	}
	return decodeClaims(payload)
}

func decodeClaims(payload []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil || claims == nil {
		return nil, ErrNotToken
	}
	return claims, nil
}

// VerifyLogin verifies issuer and signature of an ID or access token of the pool.
func (s *Service) VerifyLogin(ctx context.Context, sn *pool.Snapshot, raw string) (*Login, error) {
	claims, err := peekClaims(raw)
	if err != nil {
		return nil, err
	}
	l := &Login{Claims: claims}
	if original, updated := s.issuers(sn); l.Text("iss") != original && l.Text("iss") != updated {
		return nil, ErrOtherIssuer
	}
	use := useID
	if l.Text("token_use") == useAccess {
		use = useAccess
	}
	// The claims that were read are the signed ones: the same bytes, decoded the same way.
	err = s.verifySignature(ctx, sn, use, raw)
	if errors.Is(err, keys.ErrToken) {
		return nil, ErrNotVerified
	}
	return l, err
}

// loginSkew is how far the clocks of two servers may differ. A token without a jti that was issued
// in this time after a sign-out does not count as issued after it.
const loginSkew = 5 * time.Second

// IsCurrent reports whether the person of a login may still sign in, and the login was not
// revoked since.
func (s *Service) IsCurrent(ctx context.Context, sn *pool.Snapshot, l *Login) (bool, error) {
	u, revoked, err := s.deps.Store.UserForToken(ctx, sn.ID, l.Text("sub"), l.Text("origin_jti"))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || revoked || !u.Enabled {
		return false, err
	}
	epoch := tokenEpochOf(u.TokensValidAfter)
	if jti := l.Text("jti"); jti != "" {
		return jtiHasTokenEpoch(s.deps.Ring, jti, sn.ID, u.ID, epoch), nil
	}
	// Without a jti the times decide. A time has whole seconds, and the clock of the server that
	// issued the token may have been ahead.
	issued, err := claimTime(l.Claims["iat"])
	return err == nil && issued.After(u.TokensValidAfter.Add(loginSkew)), nil
}
