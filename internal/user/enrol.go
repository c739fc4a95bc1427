package user

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// FactorAttribute is the address that codes of a second factor go to; "" for
// an authenticator app.
func FactorAttribute(factor string) string {
	switch factor {
	case FactorSMS:
		return attrPhone
	case FactorEmail:
		return attrEmail
	}
	return ""
}

// CheckEnrolment holds an address that a user gives for a second factor to what
// an update of the attribute is held to.
func (s *Service) CheckEnrolment(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, attr, value string) error {
	if _, err := checkUpdate(sn, client, []idp.AttributeType{{Name: attr, Value: &value}}); err != nil {
		return err
	}
	if !isNameKind(sn, attr) {
		return nil
	}
	wanted := []store.Name{{Kind: attr, Value: sn.FoldAlias(attr, value)}}
	return clashOf(ctx, &s.d.Store.Reader, sn, u.ID(), wanted, aliasExists)
}

// EnrolAddress stores an address that a code has proven, and makes it a second
// factor. check looks at the user as the transaction sees it.
func (s *Service) EnrolAddress(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, factor, value string, check func(*User) error) (*User, error) {
	e, err := s.editIf(ctx, tx, sn, userID, check)
	if err != nil {
		return nil, err
	}
	attr := FactorAttribute(factor)
	e.u.Attributes[attr] = value
	e.u.Attributes[verifiedFlag(attr)] = "true"
	delete(e.u.Pending, attr)
	if err := e.dropCodes(ctx, attr); err != nil {
		return nil, err
	}
	e.u.MFA.enable(factor)
	return e.u, e.save(ctx, aliasExists)
}

// ProveAddress marks an address verified to which a code of a second factor
// went and came back. Where the value would become a sign-in name that another
// user has, it stays as it is: that is no reason to refuse a sign-in.
func (s *Service) ProveAddress(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, attr, value string) (*User, error) {
	e, err := s.edit(ctx, tx, sn, userID)
	if err != nil {
		return nil, err
	}
	if e.u.Attributes[attr] != value || e.u.Verified(attr) {
		return e.u, nil
	}
	if isNameKind(sn, attr) {
		owner, err := tx.NameOwner(ctx, sn.ID, attr, sn.FoldAlias(attr, value))
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, err
		case owner != userID:
			return e.u, nil
		}
	}
	e.u.Attributes[verifiedFlag(attr)] = "true"
	if err := e.tx.DropCode(ctx, sn.ID, userID, verifyPurpose(attr)); err != nil {
		return nil, err
	}
	return e.u, e.save(ctx, aliasExists)
}
