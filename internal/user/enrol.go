package user

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// FactorAttribute returns the attribute with the address that codes of a second factor go
// to, "" for an authenticator app.
func FactorAttribute(factor string) string {
	switch factor {
	case FactorSMS:
		return schema.PhoneNumber
	case FactorEmail:
		return schema.Email
	}
	return ""
}

// CheckEnrolment checks a new address for a second factor by the rules for an update of
// the attribute.
func (s *Service) CheckEnrolment(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, attr, value string) error {
	if _, err := checkUpdate(sn, client, []idp.AttributeType{{Name: attr, Value: &value}}); err != nil {
		return err
	}
	if !isNameKind(sn, attr) {
		return nil
	}
	wanted := []store.Name{{Kind: attr, Value: sn.FoldAlias(attr, value)}}
	return NameConflict(ctx, &s.deps.Store.Reader, sn, u.ID(), wanted, AliasExists)
}

// EnrolAddress stores an address that a code has verified, and makes it a second factor.
func (e *Edit) EnrolAddress(ctx context.Context, factor, value string) error {
	attr := FactorAttribute(factor)
	e.User.Attributes[attr] = value
	e.User.Attributes[schema.VerifiedFlag(attr)] = "true"
	delete(e.User.Pending, attr)
	if err := e.dropCode(ctx, attr); err != nil {
		return err
	}
	e.User.MFA.Enable(factor)
	return e.Save(ctx, AliasExists)
}

// ProveAddress marks an address as verified after a sign-in with a code that was sent to
// it. If the address would become a sign-in name that another user has, it changes
// nothing: that is no reason to reject the sign-in.
func (e *Edit) ProveAddress(ctx context.Context, attr, value string) error {
	if e.User.Attributes[attr] != value || e.User.Verified(attr) {
		return nil
	}
	if isNameKind(e.sn, attr) {
		owner, err := e.tx.NameOwner(ctx, e.sn.ID, attr, e.sn.FoldAlias(attr, value))
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case owner != e.User.ID():
			return nil
		}
	}
	e.User.Attributes[schema.VerifiedFlag(attr)] = "true"
	if err := e.dropCode(ctx, attr); err != nil {
		return err
	}
	return e.Save(ctx, AliasExists)
}
