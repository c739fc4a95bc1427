package user

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// AdminCreateUser makes a user with a temporary password and sends the
// invitation, or sends a new one to a user who has not used the first.
func (s *Service) AdminCreateUser(ctx context.Context, in *idp.AdminCreateUserRequest) (*idp.AdminCreateUserResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var u *User
	if in.MessageAction == idp.MessageActionTypeResend {
		u, err = s.reinvite(ctx, sn, in)
	} else {
		audit.From(ctx).SetExistingPool(sn.ID)
		audit.From(ctx).Begin(audit.SignUp)
		u, err = s.invite(ctx, sn, in)
	}
	if err != nil {
		return nil, err
	}
	return &idp.AdminCreateUserResponse{User: new(u.userType())}, nil
}

// invite creates the user. Attributes that the schema requires may be missing: the first
// sign-in asks the user for them.
func (s *Service) invite(ctx context.Context, sn *pool.Snapshot, in *idp.AdminCreateUserRequest) (*User, error) {
	u, err := s.NewUser(sn, nil, in.Username, in.UserAttributes, idp.UserStatusTypeForceChangePassword)
	if err != nil {
		return nil, err
	}
	targets, err := s.invitationTargets(sn, u, in)
	if err != nil {
		return nil, err
	}
	var password string
	if isWithoutPassword(sn, u, in) {
		u.Rec.Status, targets = string(idp.UserStatusTypeConfirmed), nil
	} else {
		password = s.temporaryPassword(sn, in)
		if u.Rec.Credential, err = s.SetPassword(ctx, sn, u, password, true, PolicyAdminCreate); err != nil {
			return nil, err
		}
	}
	conflict := aliasConflict(sn)
	if api.Val(in.ForceAliasCreation) {
		conflict = MoveAliases(sn, conflict)
	}
	taken := func(string) error { return idp.UsernameExistsException("User account already exists") }
	if sn.Triggers().PreSignUp != nil {
		if err := s.CheckNameFree(ctx, sn, u, taken(""), conflict); err != nil {
			return nil, err
		}
		if _, err := s.PreSignUp(ctx, sn, "", u, in.ValidationData, in.ClientMetadata); err != nil {
			return nil, err
		}
	}
	mail := invitation(sn, in)
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) error {
		if err := s.Insert(ctx, tx, sn, u, Insertion{Taken: taken, Conflict: conflict}); err != nil {
			return err
		}
		return s.sendInvitations(ctx, tx, mail, u, targets, password)
	})
	if err == nil {
		audit.From(ctx).SetTarget(u.ID())
	}
	return u, err
}

// aliasConflict returns the ConflictRule of AdminCreateUser. The other user's name is
// the username in a pool whose usernames are addresses, else a verified alias (Cognito:
// AdminCreateUser, ForceAliasCreation).
func aliasConflict(sn *pool.Snapshot) ConflictRule {
	if len(sn.UsernameAttributes) > 0 {
		return UsernameExistsByAlias
	}
	return AliasExists
}

// invitation returns the batch of an invitation. Functions that send messages do not get
// its metadata.
func invitation(sn *pool.Snapshot, in *idp.AdminCreateUserRequest) *mailing.Batch {
	return &mailing.Batch{Pool: sn, Occasion: trigger.OccasionAdminCreateUser, Metadata: in.ClientMetadata}
}

// isWithoutPassword reports whether the user is created without a password: the request
// has no password, and codes to a verified address are a way to sign in. The user is
// confirmed at once. The invitation is not sent, because its text is about a temporary
// password. No attribute that the schema requires may be missing, because no challenge
// will ask for it.
func isWithoutPassword(sn *pool.Snapshot, u *User, in *idp.AdminCreateUserRequest) bool {
	return api.Val(in.TemporaryPassword) == "" && PasswordOptional(sn, u.Verified) && len(MissingAttributes(sn, u)) == 0
}

// reinvite sets a new temporary password, with a new period of validity, for a user who
// never signed in (Cognito: MessageAction RESEND). It ignores the attributes of the
// request.
func (s *Service) reinvite(ctx context.Context, sn *pool.Snapshot, in *idp.AdminCreateUserRequest) (*User, error) {
	u, err := s.ResolveAdmin(ctx, sn, in.Username)
	if err != nil {
		return nil, err
	}
	if err := checkReinvitable(u); err != nil {
		return nil, err
	}
	password := s.temporaryPassword(sn, in)
	mail := invitation(sn, in)
	u, err = s.ReplacePassword(ctx, sn, u, PasswordChange{
		Password: password, Temporary: true, Prefix: PolicyAdminCreate,
		Then: func(ctx context.Context, tx *store.Tx, u *User) error {
			mail.Reset()
			if err := checkReinvitable(u); err != nil {
				return err
			}
			targets, err := s.invitationTargets(sn, u, in)
			if err != nil {
				return err
			}
			return s.sendInvitations(ctx, tx, mail, u, targets, password)
		},
	})
	if err != nil {
		return nil, err
	}
	return u, s.deps.Mail.Dispatch(ctx, mail)
}

func checkReinvitable(u *User) error {
	if u.Status() != idp.UserStatusTypeForceChangePassword {
		return idp.UnsupportedUserStateExceptionf("Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.Username())
	}
	return nil
}

// temporaryPassword returns the request's temporary password, or a new one that satisfies
// the policy.
func (s *Service) temporaryPassword(sn *pool.Snapshot, in *idp.AdminCreateUserRequest) string {
	if p := api.Val(in.TemporaryPassword); p != "" {
		return p
	}
	p := sn.PasswordPolicy
	return keys.NewTemporaryPassword(keys.PasswordRules{
		Length: p.MinimumLength, Upper: p.RequireUppercase, Lower: p.RequireLowercase,
		Digits: p.RequireNumbers, Symbols: p.RequireSymbols,
	})
}

// invitationTargets returns the addresses that the invitation goes to. Without
// DesiredDeliveryMediums this is the phone, if there is one. A medium that the request
// names needs an address.
func (s *Service) invitationTargets(sn *pool.Snapshot, u *User, in *idp.AdminCreateUserRequest) ([]mailing.Delivery, error) {
	if in.MessageAction == idp.MessageActionTypeSuppress {
		return nil, nil
	}
	mediums := in.DesiredDeliveryMediums
	if len(mediums) == 0 {
		if u.Attributes[schema.PhoneNumber] == "" {
			return nil, nil
		}
		mediums = []idp.DeliveryMediumType{idp.DeliveryMediumTypeSms}
	}
	var targets []mailing.Delivery
	for _, medium := range mediums {
		d, missing := mailing.Delivery{Medium: message.Email, Attribute: schema.Email}, "No email provided but desired delivery medium was Email"
		if medium == idp.DeliveryMediumTypeSms {
			d, missing = mailing.Delivery{Medium: message.SMS, Attribute: schema.PhoneNumber}, "No phone number provided but desired delivery medium was SMS"
		}
		if d.To = u.Attributes[d.Attribute]; d.To == "" {
			return nil, idp.InvalidParameterException(missing)
		}
		if err := s.deps.Mail.CheckDeliverable(sn, d.Medium); err != nil {
			return nil, err
		}
		if !slices.Contains(targets, d) {
			targets = append(targets, d)
		}
	}
	return targets, nil
}

func (s *Service) sendInvitations(ctx context.Context, tx *store.Tx, mail *mailing.Batch, u *User, targets []mailing.Delivery, password string) error {
	expires := s.deps.Now().Add(mail.Pool.TemporaryPasswordValidity)
	var errs []error
	for _, d := range targets {
		errs = append(errs, s.deps.Mail.EnqueueInvitation(ctx, tx, mail, u.Recipient(mail.Pool), d, password, expires))
	}
	return errors.Join(errs...)
}
