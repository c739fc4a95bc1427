package registration

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// This file creates users from another directory: the pool's function UserMigration is
// asked about a name that no user has, and may answer with a user (Cognito: user
// migration).

// Migration is what the function UserMigration is told.
type Migration struct {
	Name string
	// Password is the password as it was typed, "" if the user forgot it.
	Password             string
	Validation, Metadata map[string]string
}

// Migrates reports whether the pool has a function UserMigration.
func Migrates(sn *pool.Snapshot) bool { return sn.Triggers().UserMigration != nil }

// errTaken says that another user has taken the name of a migrated user.
var errTaken = errors.New("registration: the migrated user's name is taken")

// Migrate asks the pool's function for a user that the pool does not have, and stores
// the user. It returns store.ErrNotFound if the function has no such user. The caller
// bounds how often that is done for one name.
func (s *Service) Migrate(ctx context.Context, sn *pool.Snapshot, client *pool.Client, m Migration) (*user.User, error) {
	arn := sn.Triggers().UserMigration
	if arn == nil || !migratable(sn, m) {
		return nil, store.ErrNotFound
	}
	source := trigger.SourceMigrationAuthentication
	if m.Password == "" {
		source = trigger.SourceMigrationForgotPassword
	}
	answer, err := s.deps.Triggers.UserMigration(ctx, *arn, sn.Event(source, m.Name, client.ID), trigger.UserMigrationRequest{
		Password: m.Password, ValidationData: m.Validation, ClientMetadata: m.Metadata,
	})
	if err != nil {
		return nil, err
	}
	if len(answer.UserAttributes) == 0 {
		return nil, store.ErrNotFound
	}
	u, err := s.newMigrated(sn, m, answer)
	if err != nil {
		return nil, asInvalidResponse(err)
	}
	if m.Password != "" {
		// No policy: the password was chosen under the rules of the other directory.
		if u.Rec.Credential, err = s.deps.Users.NewCredential(ctx, sn, u, m.Password, false); err != nil {
			return nil, err
		}
	}
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionAdminCreateUser, ClientID: client.ID}
	err = s.storeMigrated(ctx, mail, u, answer)
	if err == nil {
		// The sign-in succeeds even if the function CustomMessage failed to word the welcome.
		if err := s.deps.Mail.Dispatch(ctx, mail); err != nil {
			audit.From(ctx).SetWelcome(err.Error())
		}
		audit.From(ctx).SetMigrated(u.ID())
		rec, err := s.deps.Store.User(ctx, sn.ID, u.ID())
		if err != nil {
			return nil, err
		}
		return user.FromRecord(sn, rec)
	}
	if !errors.Is(err, errTaken) {
		return nil, err
	}
	// A concurrent sign-in of the same user has stored the user.
	u, err = s.deps.Users.Resolve(ctx, sn, m.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, idp.UserNotFoundException("Exception migrating user in app client " + client.ID).WithCause(errTaken)
	}
	return u, err
}

// migratable reports whether the name and the password can be those of a user of the
// pool. If not, the function is not called.
func migratable(sn *pool.Snapshot, m Migration) bool {
	switch {
	case utf8.RuneCountInString(m.Password) > user.MaxPassword:
		return false
	case sn.UsernameAttributes.Has(schema.Email) && schema.IsEmail(m.Name), sn.UsernameAttributes.Has(schema.PhoneNumber) && schema.IsPhone(m.Name):
		return true
	}
	return len(sn.UsernameAttributes) == 0 && schema.IsUsername(m.Name)
}

// asInvalidResponse turns the error for a user who does not fit the pool into one that
// blames the function's response.
func asInvalidResponse(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code == idp.CodeInvalidParameterException {
		return idp.InvalidLambdaResponseException(e.Message).WithCause(err)
	}
	return err
}

// newMigrated makes a user of the function's response and checks it against the pool's
// schema.
func (s *Service) newMigrated(sn *pool.Snapshot, m Migration, answer trigger.UserMigrationResponse) (*user.User, error) {
	name := m.Name
	var list []idp.AttributeType
	for _, key := range slices.Sorted(maps.Keys(answer.UserAttributes)) {
		value := answer.UserAttributes[key]
		switch {
		case key == schema.Sub || key == schema.Identities || strings.HasPrefix(key, "cognito:"):
			// The service sets these itself. A function that copies a user of another pool
			// sends them too.
		case key == "username":
			if value != "" && len(sn.UsernameAttributes) == 0 {
				name = value
			}
		default:
			list = append(list, idp.AttributeType{Name: key, Value: &value})
		}
	}
	if len(sn.UsernameAttributes) == 0 && !schema.IsUsername(name) {
		return nil, idp.InvalidParameterException("The username of the migrated user is not valid.")
	}
	u, err := s.deps.Users.NewUser(sn, nil, name, list, idp.UserStatusType(answer.FinalUserStatus))
	if err != nil {
		return nil, err
	}
	if missing := user.MissingAttributes(sn, u); len(missing) > 0 {
		return nil, idp.InvalidParameterException(user.MissingText(missing))
	}
	if !resolvesBy(sn, u, m.Name) {
		return nil, idp.InvalidParameterException("The migrated user does not sign in by the name that was given: neither the username nor a verified alias is equal to it.")
	}
	if answer.EnableSMSMFA {
		if u.Attributes[schema.PhoneNumber] == "" {
			return nil, idp.InvalidParameterException("enableSMSMFA needs a phone_number.")
		}
		u.MFA.Enable(user.FactorSMS)
	}
	return u, nil
}

// resolvesBy reports whether the name will resolve to the user.
func resolvesBy(sn *pool.Snapshot, u *user.User, name string) bool {
	if u.Rec.UsernameKey == sn.FoldUsername(name) {
		return true
	}
	return slices.ContainsFunc(user.SignInNames(sn, u), func(n store.Name) bool { return n.Value == sn.FoldAlias(n.Kind, name) })
}

// storeMigrated stores the user with the sign-in names, and the welcome in the same
// transaction. It returns errTaken if another user has one of the names.
func (s *Service) storeMigrated(ctx context.Context, mail *mailing.Batch, u *user.User, answer trigger.UserMigrationResponse) error {
	sn := mail.Pool
	taken := func(string) error { return errTaken }
	conflict := user.ConflictRule(taken)
	if answer.ForceAliasCreation {
		conflict = user.MoveAliases(sn, taken)
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		mail.Reset()
		if err := s.deps.Users.Insert(ctx, tx, sn, u, user.Insertion{Taken: taken, Conflict: conflict}); err != nil {
			return err
		}
		if answer.Suppress {
			return nil
		}
		return s.sendWelcome(ctx, tx, mail, u, answer.DesiredDeliveryMediums)
	}, store.Retry)
}

// ownPassword takes the place of the temporary password in a welcome. The user's own
// password is never sent.
const ownPassword = "********"

// sendWelcome puts the text of the invitation into the outbox, once for each medium by
// which the user can be reached. The sign-in succeeds even if none is sent.
func (s *Service) sendWelcome(ctx context.Context, tx *store.Tx, mail *mailing.Batch, u *user.User, mediums []string) error {
	sn := mail.Pool
	expires := s.deps.Now().Add(sn.TemporaryPasswordValidity)
	for _, d := range []mailing.Delivery{{Medium: message.Email, Attribute: schema.Email}, {Medium: message.SMS, Attribute: schema.PhoneNumber}} {
		d.To = u.Attributes[d.Attribute]
		if d.To == "" || !slices.Contains(mediums, d.Medium) || s.deps.Mail.CheckDeliverable(sn, d.Medium) != nil {
			continue
		}
		err := s.deps.Mail.EnqueueInvitation(ctx, tx, mail, u.Recipient(sn), d, ownPassword, expires)
		if api.CodeOf(err) == idp.CodeCodeDeliveryFailureException {
			audit.From(ctx).SetWelcome("no sender for " + d.Medium)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// quotaMigrate bounds how often the pool's function is asked about a name that no user
// has: each time costs a call.
var quotaMigrate = risk.Quota{Kind: "migrate", Limit: 20}

// findOrMigrate resolves the user who forgot a password. It asks the pool's function
// about a name that no user has, within quotaMigrate.
func (s *Service) findOrMigrate(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.ForgotPasswordRequest) (*user.User, error) {
	m := Migration{Name: in.Username, Metadata: in.ClientMetadata}
	if !Migrates(sn) || !migratable(sn, m) {
		return s.deps.Users.Find(ctx, sn, client, in.Username)
	}
	if _, err := s.deps.Users.Resolve(ctx, sn, in.Username); !errors.Is(err, store.ErrNotFound) {
		return s.deps.Users.Find(ctx, sn, client, in.Username)
	}
	nobody := s.deps.Users.Decoy(sn, in.Username)
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		exceeded, err := quotaMigrate.Count(ctx, tx, sn.ID, nobody.ID(), s.deps.Now())
		if err == nil && exceeded {
			return store.CommitWith(codes.LimitExceeded())
		}
		return err
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	u, err := s.Migrate(ctx, sn, client, m)
	switch {
	case err == nil:
		audit.From(ctx).SetUser(u.ID())
		return u, nil
	case !errors.Is(err, store.ErrNotFound) && (api.CodeOf(err) != idp.CodeUserNotFoundException || !client.PreventExistence):
		return nil, err
	}
	return s.deps.Users.Find(ctx, sn, client, in.Username)
}
