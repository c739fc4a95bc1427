package registration

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/protection/origin"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// ConfirmSignUp confirms a user by the code that SignUp sent. It verifies the address
// that the code was sent to.
func (s *Service) ConfirmSignUp(ctx context.Context, in *idp.ConfirmSignUpRequest) (*idp.ConfirmSignUpResponse, error) {
	sn, client, err := s.deps.Users.LoadClient(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	userID, proven, err := s.confirmSignUp(ctx, sn, client, in, origin.FromPublic(client, in.UserContextData), nil)
	if err != nil {
		return nil, err
	}
	// Amplify sends no Session and expects one in the response.
	out := &idp.ConfirmSignUpResponse{}
	out.Session, err = s.sealSession(sn, client, userID, true, proven)
	return out, err
}

// confirmSignUp is ConfirmSignUp for a client that is known. It returns the user and the
// attribute that the code verified. then, if set, is a write of the confirmation.
func (s *Service) confirmSignUp(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.ConfirmSignUpRequest, from origin.Client, then func(tx *store.Tx, userID string) error) (userID, proven string, err error) {
	u, err := s.deps.Users.Find(ctx, sn, client, in.Username)
	if err != nil {
		return "", "", err
	}
	c := &confirmation{s: s, sn: sn, answer: in.ConfirmationCode, conflict: confirmAliasExists}
	if api.Val(in.Session) != "" {
		if c.session, err = s.OpenSession(ctx, sn, client, u, *in.Session, false); err != nil {
			return "", "", err
		}
	}
	// A client with the Session of SignUp knows that the user exists. Others must not
	// learn of a user who cannot be confirmed.
	c.hides = client.PreventExistence && c.session == nil
	if c.hides && checkConfirmable(u) != nil {
		u = s.deps.Users.StandIn(sn, u, in.Username)
	}
	if api.Val(in.ForceAliasCreation) {
		c.conflict = user.MoveAliases(sn, confirmAliasExists)
	}
	event, err := s.deps.Users.ObserveConfirmation(ctx, sn, client, u, in.Username, from)
	if err != nil {
		return "", "", err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if u.IsDecoy() {
			err := s.refuseDecoy(ctx, tx, sn, u, codes.TriesSignUp, codes.PurposeSignUp, in.ConfirmationCode)
			return user.WriteEnd(ctx, tx, event, err)
		}
		e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		u = e.User
		if err := user.WriteEnd(ctx, tx, event, c.confirm(ctx, tx, e)); err != nil || then == nil {
			return err
		}
		return then(tx, u.ID())
	}, store.Retry)
	if errors.Is(err, store.ErrSpent) {
		return "", "", sessionUsed()
	}
	if err != nil {
		return "", "", err
	}
	err = s.deps.Users.PostConfirmation(ctx, sn, trigger.SourceConfirmSignUp, client.ID, u, in.ClientMetadata)
	return u.ID(), c.proven, err
}

// A confirmation is one call of ConfirmSignUp for a user who exists.
type confirmation struct {
	s        *Service
	sn       *pool.Snapshot
	session  *Session // of SignUp; nil if none was sent
	hides    bool     // the client must not learn whether the user exists
	answer   string
	conflict user.ConflictRule

	proven string // the attribute that the code verified, "" if none
}

// confirm checks the code and confirms the user in the transaction.
func (c *confirmation) confirm(ctx context.Context, tx *store.Tx, e *user.Edit) error {
	s, u := c.s, e.User
	if err := checkConfirmable(u); err != nil {
		if c.hides { // The status changed after the first check.
			err = store.CommitWith(codes.Mismatch())
		}
		return err
	}
	code, err := s.takeSignUpCode(ctx, tx, u, c.answer, c.hides)
	if err = s.codes.CountAnswer(ctx, tx, c.sn, u.ID(), codes.TriesSignUp, err, s.place(ctx, tx, c.sn, u)); err != nil {
		return err
	}
	c.proven = ""
	if code.Target != "" && u.Attributes[code.Target] == code.Value {
		u.Attributes[schema.VerifiedFlag(code.Target)] = "true"
		c.proven = code.Target
	}
	if c.session != nil {
		if err := s.SpendSession(ctx, tx, c.session); err != nil {
			return err
		}
	}
	u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	return e.Save(ctx, c.conflict) // An alias of another user undoes it all: the code stays live.
}

// place returns how package codes asks for the caller's known place.
func (s *Service) place(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User) codes.Place {
	return s.deps.Users.PlaceOf(tx, sn, u, user.CallerOf(ctx))
}

// takeSignUpCode checks and spends the code that confirms the user. SignUp stores its
// code in the profile, where the row is compared and set. A later code is a row of its
// own and replaces the first. If the client hides who exists, only the right code
// returns that it is too old: a name without a user has never had a code.
func (s *Service) takeSignUpCode(ctx context.Context, tx *store.Tx, u *user.User, answer string, hides bool) (store.Code, error) {
	rec, err := tx.Code(ctx, u.Rec.PoolID, u.ID(), codes.PurposeSignUp)
	wasResent := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rec, err
	}
	if !wasResent && u.SignUpCode != nil {
		rec = *u.SignUpCode
	}
	switch matches := s.codes.IsCode(rec, answer); {
	case !matches && hides:
		return rec, store.CommitWith(codes.Mismatch())
	case !wasResent && u.SignUpCode == nil:
		return rec, store.CommitWith(codes.Expired())
	}
	if err := s.codes.Match(rec, answer); err != nil {
		return rec, err
	}
	u.SignUpCode = nil
	if wasResent {
		return rec, codes.Spend(ctx, tx, rec)
	}
	return rec, nil
}

func confirmAliasExists(kind string) error {
	return idp.AliasExistsException("An account with the " + kind + " already exists.")
}

// checkConfirmable rejects a user who is disabled or does not wait for confirmation.
func checkConfirmable(u *user.User) error {
	if !u.Rec.Enabled {
		return userDisabled()
	}
	return checkUnconfirmed(u)
}

// checkUnconfirmed rejects a user who does not wait for confirmation.
func checkUnconfirmed(u *user.User) error {
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		return idp.NotAuthorizedException("User cannot be confirmed. Current status is " + u.Rec.Status).WithReason(api.ReasonWrongStatus)
	}
	return nil
}

func userDisabled() error {
	return idp.NotAuthorizedException("User is disabled.").WithReason(api.ReasonDisabled)
}

// AdminConfirmSignUp confirms a user without a code. It verifies no address.
func (s *Service) AdminConfirmSignUp(ctx context.Context, in *idp.AdminConfirmSignUpRequest) (*idp.AdminConfirmSignUpResponse, error) {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	event, err := s.deps.Users.SignUpEvent(ctx, sn, u)
	if err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		if err := checkUnconfirmed(e.User); err != nil {
			return err
		}
		e.User.Rec.Status = string(idp.UserStatusTypeConfirmed)
		u = e.User
		return user.WriteEnd(ctx, tx, event, e.Save(ctx, user.AliasExists))
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	if err := s.deps.Users.PostConfirmation(ctx, sn, trigger.SourceConfirmSignUp, "", u, in.ClientMetadata); err != nil {
		return nil, err
	}
	return &idp.AdminConfirmSignUpResponse{}, nil
}
