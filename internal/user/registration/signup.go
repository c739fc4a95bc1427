package registration

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/protection"
	"cognate/internal/protection/origin"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// SignUp stores a new user with status UNCONFIRMED and sends the confirmation code. The
// password's verifier is computed before the transaction. The unique indexes alone
// decide whether the name is free, so that one of two concurrent sign-ups succeeds.
func (s *Service) SignUp(ctx context.Context, in *idp.SignUpRequest) (*idp.SignUpResponse, error) {
	audit.From(ctx).Begin(audit.SignUp)
	sn, client, err := s.deps.Users.LoadClient(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	out, err := s.signUp(ctx, sn, client, in, origin.FromPublic(client, in.UserContextData))
	if err != nil {
		return nil, err
	}
	if out.Session, err = s.sealSession(sn, client, out.UserSub, out.UserConfirmed, ""); err != nil {
		return nil, err
	}
	return out, nil
}

// signUp is SignUp for a client that is known, without the Session.
func (s *Service) signUp(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.SignUpRequest, from origin.Client) (*idp.SignUpResponse, error) {
	if sn.AdminCreateOnly {
		return nil, idp.NotAuthorizedException("SignUp is not permitted for this user pool").WithReason(api.ReasonSignUpDisabled)
	}
	u, err := s.deps.Users.NewUser(sn, client, in.Username, in.UserAttributes, idp.UserStatusTypeUnconfirmed)
	if err != nil {
		return nil, err
	}
	credential, known, err := s.firstPassword(ctx, sn, client, u, in.Password)
	if err != nil {
		return nil, err
	}
	u.Rec.Credential = credential
	names := user.SignInNames(sn, u)
	if err := s.applyPreSignUp(ctx, sn, client, u, in); err != nil {
		return nil, err
	}
	markUnverified(u)
	event, err := s.deps.Users.ObserveSignUp(ctx, sn, client, u, in.Username, from)
	if err != nil {
		return nil, err
	}
	if known {
		event.FoundCompromised()
	}
	to, err := s.storeSignUp(ctx, sn, client, u, names, event, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetUser(u.ID())
	out := &idp.SignUpResponse{UserSub: u.ID()}
	if to != nil {
		out.CodeDeliveryDetails = new(to.Details())
	}
	if u.Status() == idp.UserStatusTypeConfirmed {
		out.UserConfirmed = true
		if err := s.deps.Users.PostConfirmation(ctx, sn, trigger.SourceConfirmSignUp, client.ID, u, in.ClientMetadata); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// storeSignUp stores the user and sends the confirmation code. It returns where the
// code goes, nil if none is sent. names are the sign-in names that the request itself
// claims. Further names come from addresses that the function PreSignUp verified: these
// move from the users who had them.
func (s *Service) storeSignUp(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User, names []store.Name, event *protection.Event, metadata map[string]string) (*mailing.Delivery, error) {
	var code string
	to := confirmationDelivery(sn, u)
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		to = nil
	}
	if to != nil {
		if err := s.deps.Mail.CheckDeliverable(sn, to.Medium); err != nil {
			return nil, err
		}
		var rec store.Code
		code, rec = s.codes.New(sn, u.Recipient(sn), codes.PurposeSignUp, *to)
		u.SignUpCode = &rec
	}
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionSignUp, ClientID: client.ID, Metadata: metadata, ToSender: metadata}
	err := s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) error {
		err := s.deps.Users.Insert(ctx, tx, sn, u, user.Insertion{
			Names: names, Taken: func(string) error { return usernameExists() }, Conflict: user.MoveAliases(sn, user.UsernameExistsByAlias),
		})
		if err != nil {
			return err
		}
		if !client.PreventExistence {
			if err := user.NameConflict(ctx, &tx.Reader, sn, u.ID(), unverifiedAliases(sn, u), user.UsernameExistsByAlias); err != nil {
				return err
			}
		}
		if u.Status() == idp.UserStatusTypeConfirmed {
			event.End(true)
		}
		if err := event.Write(ctx, tx); err != nil || to == nil {
			return err
		}
		return s.deps.Mail.EnqueueCode(ctx, tx, mail, u.Recipient(sn), *to, code, u.SignUpCode.ExpiresAt)
	})
	if err != nil {
		return nil, err
	}
	return to, nil
}

// applyPreSignUp calls the pool's function PreSignUp, if there is one, and applies its
// answer: the function can confirm the user and verify addresses.
func (s *Service) applyPreSignUp(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User, in *idp.SignUpRequest) error {
	if sn.Triggers().PreSignUp == nil {
		return nil
	}
	if err := s.deps.Users.CheckNameFree(ctx, sn, u, usernameExists(), func(string) error { return usernameExists() }); err != nil {
		return err
	}
	answer, err := s.deps.Users.PreSignUp(ctx, sn, client.ID, u, in.ValidationData, in.ClientMetadata)
	if err != nil {
		return err
	}
	if answer.AutoConfirmUser {
		u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	}
	if answer.AutoVerifyEmail {
		u.Attributes[schema.VerifiedFlag(schema.Email)] = "true"
	}
	if answer.AutoVerifyPhone {
		u.Attributes[schema.VerifiedFlag(schema.PhoneNumber)] = "true"
	}
	return nil
}

// markUnverified sets the missing flags of the user's addresses to "false". A user that
// an administrator creates has only the flags of the request.
func markUnverified(u *user.User) {
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if u.Attributes[attr] != "" && u.Attributes[schema.VerifiedFlag(attr)] == "" {
			u.Attributes[schema.VerifiedFlag(attr)] = "false"
		}
	}
}

// firstPassword makes the credential of a sign-up. It returns nil for a user who signs
// in by codes. known reports that attackers know the password.
func (s *Service) firstPassword(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User, password *string) (credential []byte, known bool, err error) {
	if api.Val(password) != "" {
		if known, err = s.deps.Users.CheckChoice(ctx, sn, client.ID, idp.EventFilterTypeSignUp, user.PolicySignUp, *password); err != nil {
			return nil, known, err
		}
		credential, err = s.deps.Users.SetPassword(ctx, sn, u, *password, false, user.PolicySignUp)
		return credential, known, err
	}
	if user.PasswordOptional(sn, func(attr string) bool { return u.Attributes[attr] != "" }) {
		return nil, false, nil
	}
	return nil, false, idp.InvalidParameterException("1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null")
}

func usernameExists() error { return idp.UsernameExistsException("User already exists") }

// unverifiedAliases returns the addresses by which a new user can sign in as soon as
// they are verified. A client that hides who exists learns of a conflict only then.
func unverifiedAliases(sn *pool.Snapshot, u *user.User) []store.Name {
	var names []store.Name
	for _, kind := range []string{schema.Email, schema.PhoneNumber} {
		if v := u.Attributes[kind]; v != "" && sn.AliasAttributes.Has(kind) && !u.Verified(kind) {
			names = append(names, store.Name{Kind: kind, Value: sn.FoldAlias(kind, v)})
		}
	}
	return names
}

// confirmationDelivery returns where a new user's confirmation code goes, nil if the
// pool verifies none of the user's addresses. The phone comes before the email address
// (Cognito: auto-verified attributes).
func confirmationDelivery(sn *pool.Snapshot, u *user.User) *mailing.Delivery {
	for _, attr := range []string{schema.PhoneNumber, schema.Email} {
		if value := u.Attributes[attr]; value != "" && sn.AutoVerified.Has(attr) {
			return &mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: value}
		}
	}
	return nil
}
