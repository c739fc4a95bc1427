package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/signin/codes"
	"cognate/internal/signin/customflow"
	"cognate/internal/signin/progress"
	"cognate/internal/signin/sealedname"
	"cognate/internal/signin/srpproof"
	"cognate/internal/signin/stepup"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/devices"
)

// state is a sign-in under way. It is sealed into the Session or the
// SECRET_BLOCK that the client shows at the next step; what later factors need
// to remember is a member of its own, absent where not used. A layout that old
// nodes would misread is a new version.
type state struct {
	Version int    `json:"v"`
	Pool    string `json:"p"`
	Client  string `json:"c"`
	UserID  string `json:"u"`
	Name    string `json:"-"` // stored username, or what was typed for a decoy
	Decoy   bool   `json:"-"` // there is no such user
	Who     []byte `json:"n"` // Name and Decoy as they are sealed
	// Masks is what the decoy hides of a user who exists, for the log. It has one
	// digit whatever it is, or the length of the state would tell.
	Masks  progress.Mask           `json:"m"`
	Flow   idp.AuthFlowType        `json:"f"`
	Admin  bool                    `json:"a,omitempty"`
	Page   bool                    `json:"g,omitempty"`
	Expect []idp.ChallengeNameType `json:"e"`
	progress.Progress
	DeviceKey string `json:"k,omitempty"`
	EventID   string `json:"i"`
	Nonce     []byte `json:"o"`
	IssuedAt  int64  `json:"t"` // milliseconds
	ExpiresAt int64  `json:"z"`
	// Credential is when the password that was proven was set: a state does not
	// outlive it.
	Credential int64              `json:"q,omitempty"`
	SRP        *srpproof.Exchange `json:"s,omitempty"`
	// OTP is the code that the session waits for.
	OTP *codes.Code `json:"y,omitempty"`
	// Passkey is the challenge that a passkey has to sign.
	Passkey []byte `json:"h,omitempty"`
	// Stored says that this is a reference: the state is in the store.
	Stored bool `json:"r,omitempty"`
	// Monitored says that threat protection has an event of the sign-in.
	Monitored bool `json:"ev,omitempty"`
	// Credit is the earlier sign-in whose factors count in this one.
	Credit *stepup.Credit `json:"d,omitempty"`
	// Custom is the history of a custom sign-in.
	Custom *customflow.State `json:"b,omitempty"`
	// block says that the state came in a SECRET_BLOCK, whose every fault has
	// one answer.
	block bool
	// fromStore says that the state has a row, which goes when it is spent.
	fromStore bool
	// device is what DeviceKey names, once it was looked for.
	device *devices.Device
}

// caller returns who started the sign-in.
func (st *state) caller() caller {
	switch {
	case st.Admin:
		return administrator
	case st.Page:
		return hostedPage
	}
	return publicCaller
}

const stateVersion = 2

var errState = errors.New("signin: not a sign-in state")

// newState begins a sign-in. A decoy is found again by the name that was typed.
func (s *Service) newState(c *call, u *user.User, flow idp.AuthFlowType) *state {
	st := &state{
		Version: stateVersion, Pool: c.pool.ID, Client: c.client.ID, UserID: u.ID(), Name: u.Username(),
		Decoy: u.IsDecoy(), Masks: c.masks, Flow: flow, Admin: c.admin(), Page: c.from == hostedPage, EventID: keys.NewTimeUUID(s.now()), DeviceKey: c.deviceKey(),
	}
	if st.Decoy {
		st.Name = c.params["USERNAME"]
	}
	return st
}

// marshal encodes the state for sealing.
func (st *state) marshal() ([]byte, error) {
	var err error
	if st.Who, err = sealedname.Encode(st.Name, st.Decoy); err != nil {
		return nil, err
	}
	body, err := json.Marshal(st)
	st.Who = nil
	if err != nil {
		return nil, fmt.Errorf("signin: state: %w", err)
	}
	return body, nil
}

// seal dates the state for its next challenge and seals it.
func (s *Service) seal(c *call, st *state, expect ...idp.ChallengeNameType) (string, error) {
	now := s.now()
	st.Expect = expect
	st.IssuedAt = now.UnixMilli()
	st.ExpiresAt = now.Add(c.client.SessionTTL).UnixMilli()
	st.Nonce = make([]byte, 16)
	if _, err := io.ReadFull(s.rand, st.Nonce); err != nil {
		return "", err
	}
	return s.sealed(c, st)
}

// sealed seals a state that is dated.
func (s *Service) sealed(c *call, st *state) (string, error) {
	body, err := st.marshal()
	if err != nil {
		return "", err
	}
	kind := keys.TokenSession
	if st.SRP != nil {
		kind = keys.TokenSecretBlock
	}
	if kind == keys.TokenSession && len(body) > kind.MaxPlaintext() {
		return s.sealReference(c, st, body)
	}
	sealed, err := s.ring.SealToken(kind, nil, body)
	if err != nil {
		return "", fmt.Errorf("signin: state: %w", err)
	}
	return sealed, nil
}

func parseState(body []byte) (*state, error) {
	st := &state{}
	if err := json.Unmarshal(body, st); err != nil || st.Version != stateVersion || len(st.Nonce) != 16 {
		return nil, errState
	}
	var ok bool
	if st.Name, st.Decoy, ok = sealedname.Decode(st.Who); !ok {
		return nil, errState
	}
	st.Who = nil
	return st, nil
}

func invalidSession() *api.Error {
	return idp.NotAuthorizedException("Invalid session for the user.").WithReason(api.ReasonBadSession)
}

func expiredSession() error {
	return idp.NotAuthorizedException("Invalid session for the user, session is expired.").WithReason(api.ReasonSessionExpired)
}

func usedOnce() error {
	return idp.NotAuthorizedException("Invalid session for the user, session can only be used once.").WithReason(api.ReasonSessionUsed)
}

// used rejects the state once it is spent. Of a custom challenge the answer does
// not depend on what became of the sign-in.
func (st *state) used() error {
	if slices.Contains(st.Expect, idp.ChallengeNameTypeCustomChallenge) {
		return invalidSession()
	}
	return usedOnce()
}

// maskBlockError returns the one answer to all faults of a SECRET_BLOCK, and a fault of a
// session as it is. Faults that are ours, and wrong keys in a call, stay.
func (st *state) maskBlockError(err error) error {
	if st.block && api.CodeOf(err) == "NotAuthorizedException" {
		return incorrect().WithReason(api.ReasonOf(err))
	}
	return err
}

// openSession opens a Session: decoded, in time, unused, then bound.
func (s *Service) openSession(ctx context.Context, c *call, name idp.ChallengeNameType, session string) (*state, error) {
	st, err := s.unsealSession(ctx, session)
	if err != nil {
		return nil, err
	}
	return st, s.admit(ctx, c, name, st)
}

// openBlock opens a SECRET_BLOCK.
func (s *Service) openBlock(ctx context.Context, c *call, name idp.ChallengeNameType, block string) (*state, error) {
	st, err := s.readBlock(ctx, block)
	if err != nil {
		return nil, err
	}
	st.block = true
	if err := s.admit(ctx, c, name, st); err != nil {
		return nil, st.maskBlockError(err)
	}
	return st, nil
}

// readBlock decodes a SECRET_BLOCK.
func (s *Service) readBlock(ctx context.Context, block string) (*state, error) {
	body, err := s.ring.OpenToken(ctx, keys.TokenSecretBlock, nil, block)
	if errors.Is(err, keys.ErrToken) {
		return nil, incorrect().WithReason(api.ReasonBadSession)
	}
	if err != nil {
		return nil, err
	}
	st, err := parseState(body)
	if err != nil || st.SRP == nil {
		return nil, incorrect().WithReason(api.ReasonBadSession)
	}
	return st, nil
}

// admit holds a state to its time, its single use and what it is bound to.
func (s *Service) admit(ctx context.Context, c *call, name idp.ChallengeNameType, st *state) error {
	if s.now().UnixMilli() >= st.ExpiresAt {
		return expiredSession()
	}
	used, err := s.store.Spent(ctx, st.Pool, s.spentHash(st))
	if err != nil {
		return err
	}
	if used {
		return st.used()
	}
	if st.Pool != c.pool.ID || st.Client != c.client.ID || st.Page != (c.from == hostedPage) || !slices.Contains(st.Expect, name) {
		return invalidSession()
	}
	return nil
}

// spentHash names a state among the spent ones.
func (s *Service) spentHash(st *state) [32]byte {
	return s.ring.Hash("sign-in state", []byte(st.Pool), st.Nonce)
}

// spend uses the state up; store.ErrSpent says that it was used before.
func (s *Service) spend(ctx context.Context, tx *store.Tx, st *state) error {
	hash := s.spentHash(st)
	if err := tx.Spend(ctx, st.Pool, hash, time.UnixMilli(st.ExpiresAt)); err != nil || !st.fromStore {
		return err
	}
	return tx.DeleteSignInState(ctx, st.Pool, st.UserID, hash)
}

// userOf returns the state's user, if USERNAME means it too.
func (s *Service) userOf(ctx context.Context, c *call, st *state) (*user.User, error) {
	name := c.params["USERNAME"]
	if st.Decoy {
		return s.decoyOf(ctx, c, st, name)
	}
	if name != st.Name {
		named, err := s.users.Resolve(ctx, c.pool, name)
		if errors.Is(err, store.ErrNotFound) {
			return nil, invalidSession()
		}
		if err != nil {
			return nil, err
		}
		if named.ID() != st.UserID {
			return nil, invalidSession()
		}
		return named, nil
	}
	rec, err := s.store.User(ctx, c.pool.ID, st.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, s.unknown(c)
	}
	if err != nil {
		return nil, err
	}
	return user.FromRecord(c.pool, rec)
}

// decoyOf returns the decoy again. It reads the store as the path of a user who
// exists does.
func (s *Service) decoyOf(ctx context.Context, c *call, st *state, name string) (*user.User, error) {
	decoy := s.users.Decoy(c.pool, st.Name)
	if name != decoy.Username() && s.users.Decoy(c.pool, name).ID() != st.UserID {
		return nil, invalidSession()
	}
	return decoy, s.users.ReadDecoy(ctx, &s.store.Reader, c.pool, decoy)
}

// unknown is the answer where there is no such user (Cognito:
// PreventUserExistenceErrors).
func (s *Service) unknown(c *call) error {
	if c.client.PreventExistence {
		return incorrect().WithReason(api.ReasonUnknownUser)
	}
	return userNotFound()
}
