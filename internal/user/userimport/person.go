package userimport

import (
	"context"
	"errors"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Columns of a file that are not attributes.
const (
	columnUsername = "cognito:username"
	columnMFA      = "cognito:mfa_enabled"
	// columnHash is the column of files with password hashes.
	columnHash = "cognito:password_hash"
)

// fields are the values of a line by column, without the empty ones.
type fields map[string]string

// lineError says why a line cannot be imported. It quotes no value.
type lineError string

func (f lineError) Error() string { return string(f) }

// errExists says that the user of a line exists already.
var errExists = errors.New("userimport: the user already exists")

// Texts of the log (Cognito: importing users, CloudWatch logs) and our own.
const (
	faultNotVerified = "The User Record does not set any of the auto verified attributes to true. (Example: email_verified to true)."
	faultNoUsername  = "The User Record does not have a value for cognito:username."
	faultUsername    = "The value of cognito:username is not a valid username."
	faultMFA         = "The value of cognito:mfa_enabled must be true or false."
	faultMFAOff      = "The value of cognito:mfa_enabled must be false, because MFA is off in the user pool."
	faultMFAOn       = "The value of cognito:mfa_enabled must be true, because MFA is required in the user pool."
	faultMFAPhone    = "The User Record sets cognito:mfa_enabled to true and has no phone_number."
	faultBirthdate   = "The value of birthdate must have the form mm/dd/yyyy."
	faultUpdatedAt   = "The value of updated_at must be in seconds since the epoch."
	faultHash        = "The value of cognito:password_hash is not a password hash of the job's algorithm, or its cost is above what is supported."
)

// columns returns the columns that a file for the pool must have, in the order of the
// header.
func columns(sn *pool.Snapshot) []string {
	columns := make([]string, 0, 32)
	for _, name := range [...]string{
		"name", "given_name", "family_name", "middle_name", "nickname", schema.PreferredUsername, "profile", "picture", "website",
		schema.Email, schema.VerifiedFlag(schema.Email), "gender", "birthdate", "zoneinfo", "locale", schema.PhoneNumber, schema.VerifiedFlag(schema.PhoneNumber), "address", "updated_at",
	} {
		if _, ok := sn.Schema.Attribute(name); ok {
			columns = append(columns, name)
		}
	}
	for _, name := range sn.Schema.Names() {
		if strings.HasPrefix(name, "custom:") {
			columns = append(columns, name)
		}
	}
	return append(columns, columnMFA, columnUsername)
}

// person is a user of a line who is ready to be stored.
type person struct {
	user  *user.User
	names []store.Name
	// given is the kind of address that the line's username is, in a pool whose usernames
	// are addresses.
	given string
}

// newPerson makes a user of a line. scheme names the program of the file's password
// hashes, "" if the file has no hashes. The error for a line that is wrong is a lineError.
func (s *Service) newPerson(sn *pool.Snapshot, line fields, scheme string) (*person, error) {
	name := line[columnUsername]
	switch {
	case name == "":
		return nil, lineError(faultNoUsername)
	case !schema.IsUsername(name):
		return nil, lineError(faultUsername)
	}
	id := keys.NewUUID()
	username, implied, err := user.StoredUsername(sn, name, id)
	if err != nil {
		return nil, asLineError(err)
	}
	attrs, err := attributesOf(sn, line, implied)
	if err != nil {
		return nil, asLineError(err)
	}
	now := s.deps.Now()
	u := &user.User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(idp.UserStatusTypeResetRequired), Enabled: true, CreatedAt: now, ModifiedAt: now,
		},
		Attributes: attrs,
	}
	if err := applyMFA(sn, u, line[columnMFA]); err != nil {
		return nil, err
	}
	if err := s.applyHash(u, line[columnHash], scheme); err != nil {
		return nil, err
	}
	p := &person{user: u, names: user.SignInNames(sn, u)}
	for _, n := range p.names {
		if len(n.Value) > user.MaxSignInName {
			return nil, lineError("user." + n.Kind + ": The value is too long to sign in by.")
		}
	}
	for kind := range implied {
		p.given = kind
	}
	return p, nil
}

// asLineError turns an exception into a lineError, on one line.
func asLineError(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return lineError(strings.ReplaceAll(strings.TrimSpace(e.Message), "\n", " "))
	}
	return err
}

// attributesOf returns the attributes of a line. implied are those that the username
// implies.
func attributesOf(sn *pool.Snapshot, line fields, implied map[string]string) (map[string]string, error) {
	list := make([]idp.AttributeType, 0, len(line))
	for name, value := range line {
		if name != columnUsername && name != columnMFA && name != columnHash {
			list = append(list, idp.AttributeType{Name: name, Value: &value})
		}
	}
	if v := line["birthdate"]; v != "" {
		if _, err := time.Parse("01/02/2006", v); err != nil {
			return nil, lineError(faultBirthdate)
		}
	}
	if v := line["updated_at"]; v != "" && !schema.IsDigits(v) {
		return nil, lineError(faultUpdatedAt)
	}
	attrs, err := user.NewAttributes(sn, nil, list, implied)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range sn.Schema.Required() {
		if attrs[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, lineError(strings.TrimSpace(strings.ReplaceAll(user.MissingText(missing), "\n", " ")))
	}
	for kind := range sn.AutoVerified {
		if attrs[kind] != "" && attrs[schema.VerifiedFlag(kind)] == "true" {
			return attrs, nil
		}
	}
	return nil, lineError(faultNotVerified)
}

// applyMFA turns codes by SMS on if the line says so.
func applyMFA(sn *pool.Snapshot, u *user.User, value string) error {
	on, ok := schema.ParseBoolean(value)
	off := sn.MFA.Mode == idp.UserPoolMfaTypeOff || sn.MFA.Mode == ""
	switch {
	case !ok || value == "0" || value == "1":
		return lineError(faultMFA)
	case on == "true" && off:
		return lineError(faultMFAOff)
	case on == "false" && sn.MFA.Mode == idp.UserPoolMfaTypeOn:
		return lineError(faultMFAOn)
	case on == "true" && u.Attributes[schema.PhoneNumber] == "":
		return lineError(faultMFAPhone)
	case on == "true":
		u.MFA.Enable(user.FactorSMS)
	}
	return nil
}

// applyHash sets the user's password hash to that of the line. Without a hash,
// the user sets a new password by a code.
func (s *Service) applyHash(u *user.User, hash, scheme string) error {
	if hash == "" {
		return nil
	}
	if made, err := keys.PasswordScheme(hash); err != nil || made != scheme {
		return lineError(faultHash)
	}
	var err error
	u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	u.Rec.Credential, err = s.deps.Users.NewForeignCredential(u, hash)
	return err
}

// storePerson stores a user in the caller's transaction. It returns errExists if the
// user exists, and a lineError if another user signs in by one of the names. It writes
// nothing then.
func (s *Service) storePerson(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *person) error {
	nameTaken := func(kind string) error {
		return lineError("An account with the given " + kind + " already exists.")
	}
	return s.deps.Users.Insert(ctx, tx, sn, p.user, user.Insertion{
		Names: p.names, Conflict: nameTaken,
		Taken: func(what string) error {
			if what == "username" {
				return errExists
			}
			err := user.NameConflict(ctx, &tx.Reader, sn, p.user.ID(), p.names, func(kind string) error {
				if kind == p.given {
					return errExists
				}
				return nameTaken(kind)
			})
			if err == nil {
				// No user of this snapshot has the name: the line must not count as stored.
				err = &store.ExistsError{What: what}
			}
			return err
		},
	})
}
