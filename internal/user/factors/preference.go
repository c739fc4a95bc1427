package factors

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// factorSetting is a request's setting of one factor.
type factorSetting struct {
	factor    string
	enabled   bool
	preferred *bool
}

// factorSettings returns the settings of a request, without the members that are absent.
func factorSettings(sms *idp.SMSMfaSettingsType, totp *idp.SoftwareTokenMfaSettingsType, mail *idp.EmailMfaSettingsType) []factorSetting {
	var list []factorSetting
	if sms != nil {
		list = append(list, factorSetting{user.FactorSMS, api.Val(sms.Enabled), sms.PreferredMfa})
	}
	if totp != nil {
		list = append(list, factorSetting{user.FactorTOTP, api.Val(totp.Enabled), totp.PreferredMfa})
	}
	if mail != nil {
		list = append(list, factorSetting{user.FactorEmail, api.Val(mail.Enabled), mail.PreferredMfa})
	}
	return list
}

func checkFactorSettings(list []factorSetting) error {
	preferred := 0
	for _, w := range list {
		if !api.Val(w.preferred) {
			continue
		}
		if preferred++; preferred > 1 {
			return idp.InvalidParameterException("Only one MFA can be preferred")
		}
		if !w.enabled {
			return idp.InvalidParameterException("Invalid MFA setting: " + w.factor + " cannot be preferred while it is disabled")
		}
	}
	return nil
}

// checkAvailable rejects a factor that the user cannot use. The text for a software token
// differs between the two operations.
func checkAvailable(u *user.User, factor string, admin bool) error {
	has := u.HasSoftwareToken()
	switch {
	case factor == user.FactorSMS:
		has = u.Attributes[attrPhone] != ""
	case factor == user.FactorEmail:
		has = u.Attributes[attrEmail] != ""
	case !has && !admin && u.SoftwareToken.Empty():
		return noSoftwareToken()
	case !has && !admin:
		return idp.InvalidParameterException("User has not verified software token mfa")
	}
	if !has {
		return idp.InvalidParameterException("User does not have delivery config set to turn on " + factor)
	}
	return nil
}

// applySettings changes the user's factors as the request says.
func applySettings(u *user.User, sn *pool.Snapshot, list []factorSetting, passkey *idp.WebAuthnMfaSettingsType, admin bool) error {
	for _, w := range list {
		if !w.enabled {
			u.MFA.Disable(w.factor)
			continue
		}
		if err := checkAvailable(u, w.factor, admin); err != nil {
			return err
		}
		u.MFA.Enable(w.factor)
		switch {
		case api.Val(w.preferred):
			u.MFA.Preferred = w.factor
		case w.preferred != nil && u.MFA.Preferred == w.factor:
			u.MFA.Preferred = ""
		}
	}
	if passkey == nil {
		return nil
	}
	u.MFA.Passkey = api.Val(passkey.Enabled)
	switch w := sn.MFA.WebAuthn; {
	case !u.MFA.Passkey:
	case w == nil || w.FactorConfiguration != idp.WebAuthnFactorConfigurationTypeMultiFactorWithUserVerification:
		return idp.InvalidParameterException("WebAuthn is not configured as a multi-factor in the user pool.")
	case len(u.MFA.Enabled) == 0:
		return idp.InvalidParameterException("Another MFA method must be enabled to turn on WebAuthn MFA.")
	}
	return nil
}

// storeSettings checks and stores a request's settings of the user's factors.
func (s *Service) storeSettings(ctx context.Context, sn *pool.Snapshot, userID string, list []factorSetting, passkey *idp.WebAuthnMfaSettingsType, admin bool) error {
	if err := checkFactorSettings(list); err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, sn, userID)
		if err != nil {
			return err
		}
		if err := applySettings(e.User, sn, list, passkey, admin); err != nil {
			return err
		}
		return e.Save(ctx, user.AliasExists)
	}, store.Retry)
}

// SetUserMFAPreference turns second factors of the token's user on and off.
func (s *Service) SetUserMFAPreference(ctx context.Context, in *idp.SetUserMFAPreferenceRequest) (*idp.SetUserMFAPreferenceResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := user.CheckOwnFactors(u.Rec.Status); err != nil {
		return nil, err
	}
	list := factorSettings(in.SMSMfaSettings, in.SoftwareTokenMfaSettings, in.EmailMfaSettings)
	if err := s.storeSettings(ctx, p.Pool, u.ID(), list, in.WebAuthnMfaSettings, false); err != nil {
		return nil, err
	}
	return &idp.SetUserMFAPreferenceResponse{}, nil
}

// AdminSetUserMFAPreference turns second factors of a user on and off.
func (s *Service) AdminSetUserMFAPreference(ctx context.Context, in *idp.AdminSetUserMFAPreferenceRequest) (*idp.AdminSetUserMFAPreferenceResponse, error) {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	list := factorSettings(in.SMSMfaSettings, in.SoftwareTokenMfaSettings, in.EmailMfaSettings)
	if err := s.storeSettings(ctx, sn, u.ID(), list, in.WebAuthnMfaSettings, true); err != nil {
		return nil, err
	}
	return &idp.AdminSetUserMFAPreferenceResponse{}, nil
}

// SetUserSettings turns SMS codes on and off. It is the operation of clients that
// are older than SetUserMFAPreference.
func (s *Service) SetUserSettings(ctx context.Context, in *idp.SetUserSettingsRequest) (*idp.SetUserSettingsResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := user.CheckOwnFactors(u.Rec.Status); err != nil {
		return nil, err
	}
	if err := s.setMFAOptions(ctx, p.Pool, u.ID(), in.MFAOptions); err != nil {
		return nil, err
	}
	return &idp.SetUserSettingsResponse{}, nil
}

// AdminSetUserSettings is SetUserSettings for administrators.
func (s *Service) AdminSetUserSettings(ctx context.Context, in *idp.AdminSetUserSettingsRequest) (*idp.AdminSetUserSettingsResponse, error) {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := s.setMFAOptions(ctx, sn, u.ID(), in.MFAOptions); err != nil {
		return nil, err
	}
	return &idp.AdminSetUserSettingsResponse{}, nil
}

func (s *Service) setMFAOptions(ctx context.Context, sn *pool.Snapshot, userID string, options []idp.MFAOptionType) error {
	for _, o := range options {
		if o.DeliveryMedium != idp.DeliveryMediumTypeSms || api.Val(o.AttributeName) != attrPhone {
			return idp.InvalidParameterException("Invalid MFA options: only SMS to phone_number can be set.")
		}
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, sn, userID)
		if err != nil {
			return err
		}
		if len(options) == 0 {
			e.User.MFA.Disable(user.FactorSMS)
			return e.Save(ctx, user.AliasExists)
		}
		if err := checkAvailable(e.User, user.FactorSMS, false); err != nil {
			return err
		}
		e.User.MFA.Enable(user.FactorSMS)
		e.User.MFA.LegacySMS = true
		return e.Save(ctx, user.AliasExists)
	}, store.Retry)
}
