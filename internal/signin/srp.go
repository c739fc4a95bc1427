package signin

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/signin/srpproof"
	"cognate/internal/user"
)

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
	var err error
	if st.SRP, err = srpproof.New(ctx, s.gate, public, cred.Verifier); err != nil {
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
		if err := errors.Join(attempt.Failed(ctx), s.noteWrongPassword(ctx, t.call, t.user, t.state)); err != nil {
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

// checkTimestamp holds TIMESTAMP to its exact form and to our clock.
func (s *Service) checkTimestamp(t *challengeResponse) error {
	now := s.now()
	err := srpproof.CheckTimestamp(t.params["TIMESTAMP"], now, time.UnixMilli(t.state.IssuedAt), now.Sub(s.machine()))
	switch {
	case errors.Is(err, srp.ErrTimestamp):
		return idp.InvalidParameterException("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.").WithReason(api.ReasonClock)
	case err != nil:
		return incorrect().WithReason(api.ReasonClock)
	}
	return nil
}

// signatureMatches reports whether the answer's signature shows what the verifier was made
// from, for a name in a group: a user in a pool, or a device in its group.
func (s *Service) signatureMatches(ctx context.Context, t *challengeResponse, verifier []byte, group, name string) (bool, error) {
	return t.state.SRP.Proves(ctx, s.gate, verifier, srpproof.Claim{
		Group: group, Name: name, Block: t.params["PASSWORD_CLAIM_SECRET_BLOCK"], Timestamp: t.params["TIMESTAMP"], Signature: t.params["PASSWORD_CLAIM_SIGNATURE"],
	})
}
