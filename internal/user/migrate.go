package user

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
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
	"cognate/internal/user/codes"
)

// This file takes in users of another directory (Cognito: user migration). The
// pool's function UserMigration is asked about a name that no user of the pool
// has. If the function answers with attributes, they become a user.

// Migration is what the function is shown.
type Migration struct {
	Name string
	// Password as it was typed; "" where it was forgotten.
	Password             string
	Validation, Metadata map[string]string
}

// Migrates reports whether the pool has a function that may know more people.
func Migrates(sn *pool.Snapshot) bool { return sn.Triggers().UserMigration != nil }

// errTaken says that the name of a migrated user is somebody's by now.
var errTaken = errors.New("user: the migrated user's name is taken")

// Migrate asks the pool's function for a user that the pool does not have, and
// stores the user of the answer. It returns store.ErrNotFound if the function
// knows no such user. The caller limits how often that is done for one name.
func (s *Service) Migrate(ctx context.Context, sn *pool.Snapshot, client *pool.Client, m Migration) (*User, error) {
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
	u, err := s.migrated(sn, m, answer)
	if err != nil {
		return nil, unusable(err)
	}
	if m.Password != "" {
		// No policy: the password was chosen under the rules of the other directory.
		if u.Rec.Credential, err = s.newCredential(ctx, sn, u, m.Password, false); err != nil {
			return nil, err
		}
	}
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionAdminCreateUser, ClientID: client.ID}
	err = s.storeMigrated(ctx, mail, u, answer)
	if err == nil {
		// That the function failed which words the welcome keeps nobody from signing in.
		if err := s.deps.Mail.Dispatch(ctx, mail); err != nil {
			audit.From(ctx).SetWelcome(err.Error())
		}
		audit.From(ctx).SetMigrated(u.ID())
		rec, err := s.deps.Store.User(ctx, sn.ID, u.ID())
		if err != nil {
			return nil, err
		}
		return FromRecord(sn, rec)
	}
	if !errors.Is(err, errTaken) {
		return nil, err
	}
	// Two sign-ins of one person at once: the other one has stored the user.
	u, err = s.Resolve(ctx, sn, m.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, idp.UserNotFoundException("Exception migrating user in app client " + client.ID).WithCause(errTaken)
	}
	return u, err
}

// migratable reports whether a user could come of the name and the password at
// all. The function is not asked where not.
func migratable(sn *pool.Snapshot, m Migration) bool {
	switch {
	case utf8.RuneCountInString(m.Password) > maxPassword:
		return false
	case sn.UsernameAttributes.Has(schema.Email) && schema.IsEmail(m.Name), sn.UsernameAttributes.Has(schema.PhoneNumber) && schema.IsPhone(m.Name):
		return true
	}
	return len(sn.UsernameAttributes) == 0 && isUserName(m.Name)
}

// isUserName reports whether s can be a username (Cognito: UsernameType).
func isUserName(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 128 && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	})
}

// unusable is the answer to a user who does not fit the pool.
func unusable(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code == idp.CodeInvalidParameterException {
		return idp.InvalidLambdaResponseException(e.Message).WithCause(err)
	}
	return err
}

// migrated makes the user that the function gave, held to the pool's schema.
func (s *Service) migrated(sn *pool.Snapshot, m Migration, answer trigger.UserMigrationResponse) (*User, error) {
	name := m.Name
	var list []idp.AttributeType
	for _, key := range slices.Sorted(maps.Keys(answer.UserAttributes)) {
		value := answer.UserAttributes[key]
		switch {
		case key == schema.Sub || key == schema.Identities || strings.HasPrefix(key, "cognito:"):
			// The service says these. They come along where a function hands on what
			// another pool told of the user.
		case key == "username":
			if value != "" && len(sn.UsernameAttributes) == 0 {
				name = value
			}
		default:
			list = append(list, idp.AttributeType{Name: key, Value: &value})
		}
	}
	if len(sn.UsernameAttributes) == 0 && !isUserName(name) {
		return nil, idp.InvalidParameterException("The username of the migrated user is not valid.")
	}
	u, err := s.newUser(sn, nil, name, list, idp.UserStatusType(answer.FinalUserStatus))
	if err != nil {
		return nil, err
	}
	var faults strings.Builder
	for _, attr := range MissingAttributes(sn, u) {
		faults.WriteString(attr + isRequired)
	}
	switch {
	case faults.Len() > 0:
		return nil, idp.InvalidParameterException(nonconforming + faults.String())
	case !goesBy(sn, u, m.Name):
		return nil, idp.InvalidParameterException("The migrated user does not sign in by the name that was given: neither the username nor a verified alias is equal to it.")
	}
	if answer.EnableSMSMFA {
		if u.Attributes[schema.PhoneNumber] == "" {
			return nil, idp.InvalidParameterException("enableSMSMFA needs a phone_number.")
		}
		u.MFA.Enable(FactorSMS)
	}
	return u, nil
}

// goesBy reports whether the user will be found by the name.
func goesBy(sn *pool.Snapshot, u *User, name string) bool {
	if u.Rec.UsernameKey == sn.FoldUsername(name) {
		return true
	}
	return slices.ContainsFunc(signInNames(sn, u.Attributes), func(n store.Name) bool { return n.Value == sn.FoldAlias(n.Kind, name) })
}

// storeMigrated stores the user with the sign-in names; errTaken where one is
// another's. The welcome is in the same transaction.
func (s *Service) storeMigrated(ctx context.Context, mail *mailing.Batch, u *User, answer trigger.UserMigrationResponse) error {
	sn := mail.Pool
	taken := func(string) error { return errTaken }
	decide := NameConflict(taken)
	if answer.ForceAliasCreation {
		decide = moveAliases(sn, taken)
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		mail.Reset()
		if err := s.insert(ctx, tx, sn, u, nil, taken); err != nil {
			return err
		}
		e := &Edit{s: s, tx: tx, sn: sn, User: u}
		for _, name := range signInNames(sn, u.Attributes) {
			if err := e.claim(ctx, name, decide); err != nil {
				return err
			}
		}
		if answer.Suppress {
			return nil
		}
		return s.sendWelcome(ctx, tx, mail, u, answer.DesiredDeliveryMediums)
	}, store.Retry)
}

// ownPassword stands in a welcome where invitations have a temporary password:
// the user's own is in no message.
const ownPassword = "********"

// sendWelcome puts the invitation's text into the outbox, for each medium that
// the user can be reached by. That one is missing keeps nobody from signing in.
func (s *Service) sendWelcome(ctx context.Context, tx *store.Tx, mail *mailing.Batch, u *User, mediums []string) error {
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

// findOrMigrate resolves whoever forgot a password, and asks the pool's function
// about a name that nobody has, so often as codes can be asked for.
func (s *Service) findOrMigrate(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.ForgotPasswordRequest) (*User, error) {
	m := Migration{Name: in.Username, Metadata: in.ClientMetadata}
	if !Migrates(sn) || !migratable(sn, m) {
		return s.find(ctx, sn, client, in.Username)
	}
	if _, err := s.Resolve(ctx, sn, in.Username); !errors.Is(err, store.ErrNotFound) {
		return s.find(ctx, sn, client, in.Username)
	}
	nobody := s.Decoy(sn, in.Username)
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
	return s.find(ctx, sn, client, in.Username)
}
