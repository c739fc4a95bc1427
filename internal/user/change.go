package user

import (
	"context"
	"maps"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user/codes"
)

// UpdateAttributes changes attributes of the user and sends the codes that verify new
// addresses. client is nil for an administrator. It returns the destination of each code.
func (s *Service) UpdateAttributes(ctx context.Context, sn *pool.Snapshot, client *pool.Client, userID string, list []idp.AttributeType, metadata map[string]string) ([]idp.CodeDeliveryDetailsType, error) {
	values, err := checkUpdate(sn, client, list)
	if err != nil {
		return nil, err
	}
	var details []idp.CodeDeliveryDetailsType
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionUpdateUserAttribute, Metadata: metadata}
	if client != nil {
		mail.ClientID = client.ID
	}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) error {
		details = []idp.CodeDeliveryDetailsType{}
		e, err := s.Edit(ctx, tx, sn, userID)
		if err != nil {
			return err
		}
		sends, err := e.apply(ctx, values)
		if err != nil {
			return err
		}
		decide := ConflictRule(AliasExists)
		if client == nil {
			decide = MoveAliases(sn, AliasExists)
		}
		if err := e.Save(ctx, decide); err != nil {
			return err
		}
		for _, d := range sends {
			if err := s.codes.CountUpdate(ctx, tx, sn, userID); err != nil {
				return err
			}
			if err := s.codes.Send(ctx, tx, mail, e.User.Recipient(mail.Pool), codes.PurposeVerify(d.Attribute), d); err != nil {
				return err
			}
			details = append(details, d.Details())
		}
		return nil
	})
	if client == nil {
		err = mailing.AdminDelivery(err)
	}
	if err != nil {
		return nil, err
	}
	return details, nil
}

// DeleteAttributes removes attributes with their verified flags, pending values and codes.
func (s *Service) DeleteAttributes(ctx context.Context, sn *pool.Snapshot, client *pool.Client, userID string, names []string) error {
	if err := checkDelete(sn, client, names); err != nil {
		return err
	}
	values := make(map[string]string, len(names))
	for _, name := range names {
		values[name] = ""
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.Edit(ctx, tx, sn, userID)
		if err != nil {
			return err
		}
		if _, err := e.apply(ctx, values); err != nil {
			return err
		}
		return e.Save(ctx, AliasExists)
	}, store.Retry)
}

// apply changes the attributes in memory and drops the codes of addresses that changed. It
// returns the destinations of the codes to send.
func (e *Edit) apply(ctx context.Context, values map[string]string) ([]mailing.Delivery, error) {
	var sends []mailing.Delivery
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		switch {
		case name == schema.Email || name == schema.PhoneNumber:
			d, err := e.applyContact(ctx, name, value, values[schema.VerifiedFlag(name)])
			if err != nil {
				return nil, err
			}
			if d != nil {
				sends = append(sends, *d)
			}
		case schema.IsVerifiedFlag(name):
			// applyFlags follows.
		case value == "":
			delete(e.User.Attributes, name)
		case name == schema.PreferredUsername && isNameKind(e.sn, name) && e.User.Status() == idp.UserStatusTypeUnconfirmed:
			return nil, unconfirmedPreferredUsername()
		default:
			e.User.Attributes[name] = value
		}
	}
	if err := e.applyFlags(ctx, values); err != nil {
		return nil, err
	}
	return sends, e.checkKeepsSignInName()
}

func unconfirmedPreferredUsername() error {
	return idp.InvalidParameterException("A preferred_username cannot be set for an unconfirmed account.")
}

// applyContact sets or removes email or phone_number. flag is the verified flag of the
// same request, "" if the request has no such flag.
func (e *Edit) applyContact(ctx context.Context, attr, value, flag string) (*mailing.Delivery, error) {
	u := e.User
	if value == "" {
		delete(u.Attributes, attr)
		delete(u.Attributes, schema.VerifiedFlag(attr))
		delete(u.Pending, attr)
		return nil, e.dropCode(ctx, attr)
	}
	if flag == "" && u.Attributes[attr] == value {
		return nil, nil // The same value changes nothing and sends nothing.
	}
	auto := e.sn.AutoVerified.Has(attr)
	if flag == "" && auto && e.sn.VerifyBeforeUpdate.Has(attr) {
		return e.applyPending(ctx, attr, value)
	}
	delete(u.Pending, attr)
	if u.Attributes[attr] != value {
		if err := e.dropCode(ctx, attr); err != nil {
			return nil, err
		}
	}
	u.Attributes[attr] = value
	u.Attributes[schema.VerifiedFlag(attr)] = "false" // applyFlags follows.
	if flag != "" || !auto {
		return nil, nil
	}
	return &mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: value}, nil
}

// applyPending keeps the old value until the code for the new value is answered (Cognito:
// AttributesRequireVerificationBeforeUpdate). A value that another user signs in by is
// rejected at once.
func (e *Edit) applyPending(ctx context.Context, attr, value string) (*mailing.Delivery, error) {
	if e.sn.UsernameAttributes.Has(attr) {
		wanted := []store.Name{{Kind: attr, Value: e.sn.FoldAlias(attr, value)}}
		if err := NameConflict(ctx, &e.tx.Reader, e.sn, e.User.ID(), wanted, AliasExists); err != nil {
			return nil, err
		}
	}
	if e.User.Pending == nil {
		e.User.Pending = map[string]string{}
	}
	e.User.Pending[attr] = value
	return &mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: value}, nil
}

// applyFlags applies the verified flags that an administrator sets. A flag that is set to
// "true" ends the address's pending value and code.
func (e *Edit) applyFlags(ctx context.Context, values map[string]string) error {
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		flag, given := values[schema.VerifiedFlag(attr)]
		switch {
		case !given:
			continue
		case flag == "":
			delete(e.User.Attributes, schema.VerifiedFlag(attr))
			continue
		}
		if err := checkFlags(map[string]string{schema.VerifiedFlag(attr): flag}, e.User.Attributes); err != nil {
			return err
		}
		e.User.Attributes[schema.VerifiedFlag(attr)] = flag
		if flag == "true" {
			delete(e.User.Pending, attr)
			if err := e.tx.DropCode(ctx, e.sn.ID, e.User.ID(), codes.PurposeVerify(attr)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropCode ends the code that was sent to the old value of an address: it must not verify
// the new value.
func (e *Edit) dropCode(ctx context.Context, attr string) error {
	return e.tx.DropCode(ctx, e.sn.ID, e.User.ID(), codes.PurposeVerify(attr))
}

// checkKeepsSignInName rejects the removal of the last sign-in name of a user in a pool
// whose usernames are addresses (Cognito: username attributes).
func (e *Edit) checkKeepsSignInName() error {
	if len(e.sn.UsernameAttributes) == 0 || len(e.before) == 0 {
		return nil
	}
	if len(SignInNames(e.sn, e.User)) > 0 {
		return nil
	}
	return cannotDeleteRequired(e.before[0].Kind)
}
