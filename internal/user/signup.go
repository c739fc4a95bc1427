package user

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user/codes"
)

// SignUp stores a new user, not confirmed, and sends the confirmation code. The
// arithmetic of the password comes before the transaction; whether the name is
// free is decided by the index alone, so that of two at once one wins.
func (s *Service) SignUp(ctx context.Context, in *idp.SignUpRequest) (*idp.SignUpResponse, error) {
	sn, client, err := s.client(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	if sn.AdminCreateOnly {
		return nil, idp.NotAuthorizedException("SignUp is not permitted for this user pool").WithReason(api.ReasonSignUpDisabled)
	}
	u, err := s.newUser(sn, client, in.Username, in.UserAttributes, idp.UserStatusTypeUnconfirmed)
	if err != nil {
		return nil, err
	}
	if u.Rec.Credential, err = s.firstPassword(ctx, sn, u, in.Password); err != nil {
		return nil, err
	}
	names := signInNames(sn, u.Attributes)
	if err := s.admitted(ctx, sn, client, u, in); err != nil {
		return nil, err
	}
	u.flagAddresses()
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionSignUp, ClientID: client.ID, Metadata: in.ClientMetadata, ToSender: in.ClientMetadata}
	to, sends := autoVerify(sn, u)
	sends = sends && u.Status() == idp.UserStatusTypeUnconfirmed
	var code string
	if sends {
		if err := s.deps.Mail.CheckDeliverable(sn, to.Medium); err != nil {
			return nil, err
		}
		var rec store.Code
		code, rec = s.codes.New(sn, u.Recipient(sn), codes.PurposeSignUp, to)
		u.SignUpCode = &rec
	}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) error {
		if err := s.insert(ctx, tx, sn, u, names, func(string) error { return usernameExists() }); err != nil {
			return err
		}
		if !client.PreventExistence {
			if err := clashOf(ctx, &tx.Reader, sn, u.ID(), claimedAliases(sn, u), usernameExistsByAlias); err != nil {
				return err
			}
		}
		// What a function verified moves from whoever had it.
		if err := s.claimMore(ctx, tx, sn, u, names); err != nil {
			return err
		}
		if !sends {
			return nil
		}
		return s.deps.Mail.EnqueueCode(ctx, tx, mail, u.Recipient(sn), to, code, u.SignUpCode.ExpiresAt)
	})
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetUser(u.ID())
	out := &idp.SignUpResponse{UserSub: u.ID()}
	if sends {
		out.CodeDeliveryDetails = new(to.Details())
	}
	confirmed := u.Status() == idp.UserStatusTypeConfirmed
	if out.Session, err = s.signUpSession(sn, client, u.ID(), confirmed, ""); err != nil {
		return nil, err
	}
	if confirmed {
		out.UserConfirmed = true
		if err := s.postConfirmation(ctx, sn, trigger.SourceConfirmSignUp, client.ID, u, in.ClientMetadata); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// flagAddresses stores "false" as the verified flag of each address without one. It is for sign-ups: users made by an
// administrator have only the flags that the request set.
func (u *User) flagAddresses() {
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if u.Attributes[attr] != "" && u.Attributes[schema.VerifiedFlag(attr)] == "" {
			u.Attributes[schema.VerifiedFlag(attr)] = "false"
		}
	}
}

// claimMore adds the sign-in names to a new user that had does not list.
func (s *Service) claimMore(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, had []store.Name) error {
	e := &Edit{s: s, tx: tx, sn: sn, User: u}
	for _, name := range signInNames(sn, u.Attributes) {
		if slices.Contains(had, name) {
			continue
		}
		if err := e.claim(ctx, name, moveAliases(sn, usernameExistsByAlias)); err != nil {
			return err
		}
	}
	return nil
}

// firstPassword makes the credential of a sign-up; none where the user signs in
// by codes.
func (s *Service) firstPassword(ctx context.Context, sn *pool.Snapshot, u *User, password *string) ([]byte, error) {
	if api.Val(password) != "" {
		return s.SetPassword(ctx, sn, u, *password, false, PolicySignUp)
	}
	if passwordless(sn, func(attr string) bool { return u.Attributes[attr] != "" }) {
		return nil, nil
	}
	return nil, idp.InvalidParameterException("1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null")
}

func usernameExists() error { return idp.UsernameExistsException("User already exists") }

// claimedAliases are the addresses that a new user will sign in by once they
// are verified. A client that hides who exists learns of a clash only then.
func claimedAliases(sn *pool.Snapshot, u *User) []store.Name {
	var names []store.Name
	for _, kind := range []string{schema.Email, schema.PhoneNumber} {
		if v := u.Attributes[kind]; v != "" && sn.AliasAttributes.Has(kind) && !u.Verified(kind) {
			names = append(names, store.Name{Kind: kind, Value: sn.FoldAlias(kind, v)})
		}
	}
	return names
}
