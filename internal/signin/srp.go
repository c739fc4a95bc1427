package signin

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/user"
)

// timestampSkew is how far a client's clock may be off.
const timestampSkew = 5 * time.Minute

// startSRP is USER_SRP_AUTH: it answers B and the salt. Everything but the proof
// is decided here, the proof in answerSRP.
func (s *Service) startSRP(ctx context.Context, c *call) (*outcome, error) {
	public, err := srp.ParsePublic(c.params["SRP_A"])
	if err != nil {
		return nil, idp.InvalidParameterException("Invalid SRP_A").WithCause(err)
	}
	name := c.params["USERNAME"]
	u, err := s.resolve(ctx, c, name)
	if err != nil {
		return nil, err
	}
	locked, err := s.lockouts.Locked(ctx, c.pool.ID, u.ID(), s.placeOf(c, u))
	if err != nil {
		return nil, err
	}
	if locked {
		return nil, exceeded()
	}
	if !u.Rec.Enabled && !c.client.PreventExistence {
		return nil, user.Disabled()
	}
	if err := s.preAuthentication(ctx, c, u); err != nil {
		return nil, err
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, err
	}
	if err := s.faultBeforeProof(c, u); err != nil {
		return nil, err
	}
	if len(cred.Verifier) == 0 {
		// Nothing to prove: the exchange goes its way and fails.
		u = s.mask(ctx, c, u, name, api.ReasonNoPassword)
		if cred, err = s.users.Credential(u); err != nil {
			return nil, err
		}
	}
	st := s.newState(c, u, idp.AuthFlowTypeUserSrpAuth)
	return s.askSRP(ctx, c, u, cred, st, public)
}

// faultBeforeProof returns what an account's state refuses before the proof. A
// client that hides who exists learns the state after the proof alone: Cognito
// answers UserNotConfirmedException and PasswordResetRequiredException to an SRP_A
// from anybody, which tells strangers who exists.
func (s *Service) faultBeforeProof(c *call, u *user.User) error {
	if c.client.PreventExistence {
		return nil
	}
	return user.AccountFault(u)
}

// askSRP draws B and seals the exchange into the SECRET_BLOCK.
func (s *Service) askSRP(ctx context.Context, c *call, u *user.User, cred *user.Credential, st *state, public []byte) (*outcome, error) {
	st.SRP = &srpState{A: public}
	var err error
	if gateErr := s.gate.Do(ctx, func() { st.SRP.E, st.SRP.B, err = srp.ServerChallenge(cred.Verifier) }); gateErr != nil {
		return nil, gateErr
	}
	if err != nil {
		return nil, err
	}
	block, err := s.seal(c, st, idp.ChallengeNameTypePasswordVerifier)
	if err != nil {
		return nil, err
	}
	return &outcome{state: st, user: u, answer: &answer{
		challenge: idp.ChallengeNameTypePasswordVerifier,
		params: map[string]string{
			"SALT":            hex.EncodeToString(cred.Salt),
			"SECRET_BLOCK":    block,
			"SRP_B":           srp.FormatHex(st.SRP.B),
			"USERNAME":        u.Username(),
			"USER_ID_FOR_SRP": u.Username(),
		},
	}}, nil
}

// answerSRP is PASSWORD_VERIFIER: the proof that the client knows the password.
func (s *Service) answerSRP(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.checkTimestamp(t); err != nil {
		return nil, err
	}
	attempt, err := s.attempt(ctx, t.call, t.user)
	if err != nil {
		return nil, err
	}
	defer attempt.Release()
	cred, err := s.users.Credential(t.user)
	if err != nil {
		return nil, err
	}
	if len(cred.Verifier) == 0 { // the password went since the challenge
		return nil, terminalError{incorrect().WithReason(api.ReasonAccountChanged)}
	}
	ok, err := s.signatureMatches(ctx, t, cred.Verifier, t.pool.SRPName, t.user.Username())
	if err != nil {
		return nil, err
	}
	if !ok || t.state.Decoy {
		if err := attempt.Failed(ctx); err != nil {
			return nil, err
		}
		return nil, terminalError{incorrect()}
	}
	if err := s.passwordProven(ctx, t.call, t.user, t.state, cred, attempt); err != nil {
		return nil, err
	}
	t.state.Passed = append(t.state.Passed, idp.ChallengeNameTypePasswordVerifier)
	next := *t.state
	next.SRP = nil
	return &outcome{state: &next, user: t.user}, nil
}

// checkTimestamp holds TIMESTAMP to its exact form and to our clock. Some clients
// take the time before the first call, so it may be older than the block.
func (s *Service) checkTimestamp(t *challengeResponse) error {
	at, err := srp.ParseTimestamp(t.params["TIMESTAMP"])
	switch {
	case errors.Is(err, srp.ErrTimestamp):
		return idp.InvalidParameterException("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.").WithReason(api.ReasonClock)
	case err != nil:
		return incorrect().WithReason(api.ReasonClock)
	}
	now, issued := s.now(), time.UnixMilli(t.state.IssuedAt)
	at = at.Add(now.Sub(s.machine())) // The client goes by a clock that nobody has set.
	if at.Before(now.Add(-timestampSkew)) || at.After(now.Add(timestampSkew)) || at.Before(issued.Add(-timestampSkew)) {
		return incorrect().WithReason(api.ReasonClock)
	}
	return nil
}

// signatureMatches reports whether the answer's signature shows what the verifier was made
// from, for a name in a group: a user in a pool, or a device in its group.
func (s *Service) signatureMatches(ctx context.Context, t *challengeResponse, verifier []byte, group, name string) (bool, error) {
	// The signature is over the bytes that the block spells.
	block, err := base64.StdEncoding.DecodeString(t.params["PASSWORD_CLAIM_SECRET_BLOCK"])
	if err != nil {
		return false, fmt.Errorf("signin: a block that opened does not decode: %w", err)
	}
	x := t.state.SRP
	matches := false
	gateErr := s.gate.Do(ctx, func() {
		var key []byte
		if key, err = srp.SessionKey(x.A, x.E, verifier, x.B); err != nil {
			return
		}
		want := srp.Signature(key, group, name, block, t.params["TIMESTAMP"])
		matches = srp.SignatureMatches(want, t.params["PASSWORD_CLAIM_SIGNATURE"])
	})
	if gateErr != nil {
		return false, gateErr
	}
	return matches, err
}
