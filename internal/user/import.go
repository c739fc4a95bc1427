package user

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// Columns of an import file that are no attributes.
const (
	ImportUsername = "cognito:username"
	ImportMFA      = "cognito:mfa_enabled"
	// ImportHash is the column of files with password hashes.
	ImportHash = "cognito:password_hash"
)

// ImportRow is a line of an import file: values by column, empty ones left out.
type ImportRow map[string]string

// ImportError tells why a line cannot be imported. It quotes no value.
type ImportError string

func (f ImportError) Error() string { return string(f) }

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

// ImportColumns are the columns that a file for the pool must have, in the order
// in which the header names them.
func ImportColumns(sn *pool.Snapshot) []string {
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
	return append(columns, ImportMFA, ImportUsername)
}

// Imported is a person who is ready to be stored.
type Imported struct {
	user  *User
	names []store.Name
	// given is the kind of name that the username is, where usernames are addresses.
	given string
}

// NewImported makes a person of a line. scheme is how the file's password hashes
// were made, "" where it has none. What is wrong with the line is an ImportError.
func (s *Service) NewImported(sn *pool.Snapshot, row ImportRow, scheme string) (*Imported, error) {
	name := row[ImportUsername]
	switch {
	case name == "":
		return nil, ImportError(faultNoUsername)
	case !isUsername(name):
		return nil, ImportError(faultUsername)
	}
	id := keys.NewUUID()
	username, implied, err := storedUsername(sn, name, id)
	if err != nil {
		return nil, importFault(err)
	}
	attrs, err := importedAttributes(sn, row, implied)
	if err != nil {
		return nil, importFault(err)
	}
	now := s.deps.Now()
	u := &User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(idp.UserStatusTypeResetRequired), Enabled: true, CreatedAt: now, ModifiedAt: now,
		},
		Attributes: attrs,
	}
	if err := importedMFA(sn, u, row[ImportMFA]); err != nil {
		return nil, err
	}
	if err := s.importedHash(u, row[ImportHash], scheme); err != nil {
		return nil, err
	}
	p := &Imported{user: u, names: signInNames(sn, attrs)}
	for _, n := range p.names {
		if len(n.Value) > maxSignInName {
			return nil, ImportError("user." + n.Kind + ": The value is too long to sign in by.")
		}
	}
	for kind := range implied {
		p.given = kind
	}
	_, err = u.Record()
	return p, err
}

// importFault returns an exception's text as a fault, on one line.
func importFault(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return ImportError(strings.ReplaceAll(strings.TrimSpace(e.Message), "\n", " "))
	}
	return err
}

func importedAttributes(sn *pool.Snapshot, row ImportRow, implied map[string]string) (map[string]string, error) {
	list := make([]idp.AttributeType, 0, len(row))
	for name, value := range row {
		if name != ImportUsername && name != ImportMFA && name != ImportHash {
			list = append(list, idp.AttributeType{Name: name, Value: &value})
		}
	}
	if v := row["birthdate"]; v != "" {
		if _, err := time.Parse("01/02/2006", v); err != nil {
			return nil, ImportError(faultBirthdate)
		}
	}
	if v := row["updated_at"]; v != "" && !schema.IsDigits(v) {
		return nil, ImportError(faultUpdatedAt)
	}
	attrs, err := NewAttributes(sn, nil, list, implied)
	if err != nil {
		return nil, err
	}
	var faults strings.Builder
	for _, name := range sn.Schema.Required() {
		if name != schema.Sub && attrs[name] == "" {
			faults.WriteString(name + isRequired)
		}
	}
	if faults.Len() > 0 {
		return nil, ImportError(strings.TrimSpace(strings.ReplaceAll(nonconforming+faults.String(), "\n", " ")))
	}
	for kind := range sn.AutoVerified {
		if attrs[kind] != "" && attrs[schema.VerifiedFlag(kind)] == "true" {
			return attrs, nil
		}
	}
	return nil, ImportError(faultNotVerified)
}

// importedMFA turns codes by SMS on where the line says so.
func importedMFA(sn *pool.Snapshot, u *User, value string) error {
	on, ok := schema.ParseBoolean(value)
	off := sn.MFA.Mode == idp.UserPoolMfaTypeOff || sn.MFA.Mode == ""
	switch {
	case !ok || value == "0" || value == "1":
		return ImportError(faultMFA)
	case on == "true" && off:
		return ImportError(faultMFAOff)
	case on == "false" && sn.MFA.Mode == idp.UserPoolMfaTypeOn:
		return ImportError(faultMFAOn)
	case on == "true" && u.Attributes[schema.PhoneNumber] == "":
		return ImportError(faultMFAPhone)
	case on == "true":
		u.MFA.Enable(FactorSMS)
	}
	return nil
}

// importedHash sets the user's password hash to that of the line. Without a hash,
// the user sets a new password by a code.
func (s *Service) importedHash(u *User, hash, scheme string) error {
	if hash == "" {
		return nil
	}
	if made, err := keys.PasswordScheme(hash); err != nil || made != scheme {
		return ImportError(faultHash)
	}
	var err error
	u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	u.Rec.Credential, err = s.sealCredential(u, &Credential{PHC: hash, SetAt: s.deps.Now().UTC().Truncate(time.Millisecond)})
	return err
}

// isUsername holds a name to the model's UsernameType.
func isUsername(s string) bool {
	if utf8.RuneCountInString(s) > 128 {
		return false
	}
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) {
			return false
		}
	}
	return true
}

// ErrImportExists says that the user is there already.
var ErrImportExists = errors.New("user: the user already exists")

// StoreImported adds a person in the caller's transaction: ErrImportExists where
// the user is there, an ImportError where somebody else signs in by one of the
// names. Nothing is written then.
func (s *Service) StoreImported(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *Imported) error {
	rec := p.user.Rec
	if rec.UsernameKey != rec.ID {
		if sub, err := isSub(ctx, tx, sn, rec.UsernameKey); err != nil || sub {
			return errors.Join(err, ErrImportExists)
		}
	}
	// A name that is a username, or a username that is a name, would never be
	// reached: the username comes first when names are resolved.
	if sn.AliasAttributes.Has(schema.PreferredUsername) {
		if err := s.importShadows(ctx, tx, sn, p); err != nil {
			return err
		}
	}
	err := tx.InsertUser(ctx, rec, p.names)
	exists, ok := errors.AsType[*store.ExistsError](err)
	switch {
	case !ok:
		return err
	case exists.What == "username":
		return ErrImportExists
	}
	held := clashOf(ctx, &tx.Reader, sn, rec.ID, p.names, func(kind string) error {
		if kind == p.given {
			return ErrImportExists
		}
		return ImportError("An account with the given " + kind + " already exists.")
	})
	if held == nil {
		return err // nobody holds what was refused: not to be taken for stored
	}
	return held
}

func (s *Service) importShadows(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, p *Imported) error {
	rec := p.user.Rec
	if err := tx.TurnOfName(ctx, sn.ID, rec.UsernameKey); err != nil {
		return err
	}
	same := []store.Name{{Kind: schema.PreferredUsername, Value: rec.UsernameKey}}
	if err := clashOf(ctx, &tx.Reader, sn, rec.ID, same, func(string) error { return ErrImportExists }); err != nil {
		return err
	}
	e := &Edit{s: s, tx: tx, sn: sn, User: p.user}
	for _, name := range p.names {
		if err := e.notUsername(ctx, name, func(kind string) error {
			return ImportError("An account with the given " + kind + " already exists.")
		}); err != nil {
			return err
		}
	}
	return nil
}
