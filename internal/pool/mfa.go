package pool

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// checkMFA rejects factors that cannot work, or that contradict the ways to sign in.
func (d *settings) checkMFA() error {
	c := &d.Config
	first := c.Policies.SignInPolicy.AllowedFirstAuthFactors
	sms, mail := slices.Contains(first, idp.AuthFactorTypeSmsOtp), slices.Contains(first, idp.AuthFactorTypeEmailOtp)
	switch {
	case sms && c.SmsConfiguration == nil:
		return invalid("SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration")
	case d.MFA.SMS && c.SmsConfiguration == nil:
		return invalid(textSMSForMFA)
	case d.MFA.Email != nil && c.EmailConfiguration.EmailSendingAccount != idp.EmailSendingAccountTypeDeveloper:
		return invalid("Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains an EmailSendingAccount of COGNITO_DEFAULT")
	case d.MFA.Email != nil && slices.Equal(recovery(c.AccountRecoverySetting), []idp.RecoveryOptionNameType{idp.RecoveryOptionNameTypeVerifiedEmail}):
		return invalid("Cannot set EmailMfaConfiguration when verified_email is the only account recovery mechanism")
	case c.MfaConfiguration != idp.UserPoolMfaTypeOn:
		return nil
	case sms || mail:
		return invalid("Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled")
	case slices.Contains(first, idp.AuthFactorTypeWebAuthn) && !passkeysAreTwoFactors(d.MFA.WebAuthn):
		return invalid("Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor")
	}
	return nil
}

func passkeysAreTwoFactors(w *idp.WebAuthnConfigurationType) bool {
	return w != nil && w.FactorConfiguration == idp.WebAuthnFactorConfigurationTypeMultiFactorWithUserVerification
}

// GetUserPoolMfaConfig returns the factors and the mode.
func (s *Service) GetUserPoolMfaConfig(ctx context.Context, in *idp.GetUserPoolMfaConfigRequest) (*idp.GetUserPoolMfaConfigResponse, error) {
	_, doc, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	return mfaConfig(doc), nil
}

// SetUserPoolMfaConfig replaces the factors. A block that the request leaves out turns
// its factor off, except that WebAuthnConfiguration keeps its value.
func (s *Service) SetUserPoolMfaConfig(ctx context.Context, in *idp.SetUserPoolMfaConfigRequest) (*idp.SetUserPoolMfaConfigResponse, error) {
	var out *idp.GetUserPoolMfaConfigResponse
	err := s.changePool(ctx, in.UserPoolId, func(_ *store.Tx, p *store.Pool, doc *settings) error {
		old := doc.Config.UserPoolTier
		if err := doc.setMFA(in, p.Region); err != nil {
			return err
		}
		if err := checkTier(old, doc); err != nil {
			return err
		}
		p.ModifiedAt = s.now()
		out = mfaConfig(doc)
		return nil
	})
	if err != nil {
		return nil, conflict(err)
	}
	return new(idp.SetUserPoolMfaConfigResponse(*out)), nil
}

func (d *settings) setMFA(in *idp.SetUserPoolMfaConfigRequest, region string) error {
	mode := in.MfaConfiguration
	if mode == "" {
		mode = idp.UserPoolMfaTypeOff
	}
	blocks := in.SmsMfaConfiguration != nil || in.EmailMfaConfiguration != nil || in.SoftwareTokenMfaConfiguration != nil
	if mode == idp.UserPoolMfaTypeOff && blocks {
		return invalid("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")
	}
	m := mfaSettings{SMS: in.SmsMfaConfiguration != nil, Email: in.EmailMfaConfiguration, WebAuthn: d.MFA.WebAuthn}
	if t := in.SoftwareTokenMfaConfiguration; t != nil {
		m.SoftwareToken = new(api.Val(t.Enabled))
	}
	if w := in.WebAuthnConfiguration; w != nil {
		if id := api.Val(w.RelyingPartyId); id != "" && !isRelyingPartyID(id) {
			return invalid("RelyingPartyId must be a domain name without scheme and port.")
		}
		m.WebAuthn = in.WebAuthnConfiguration
	}
	if mode != idp.UserPoolMfaTypeOff && !m.any() {
		return invalid("Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.")
	}
	if t := in.SmsMfaConfiguration; t != nil {
		if t.SmsConfiguration != nil {
			d.Config.SmsConfiguration = t.SmsConfiguration
		}
		if t.SmsAuthenticationMessage != nil {
			d.Config.SmsAuthenticationMessage = t.SmsAuthenticationMessage
		}
	}
	d.Config.MfaConfiguration, d.MFA = mode, m
	if err := checkSenders(&d.Config, region); err != nil {
		return err
	}
	return d.checkMFA()
}

func mfaConfig(d *settings) *idp.GetUserPoolMfaConfigResponse {
	out := &idp.GetUserPoolMfaConfigResponse{
		MfaConfiguration: d.Config.MfaConfiguration, EmailMfaConfiguration: d.MFA.Email, WebAuthnConfiguration: d.MFA.WebAuthn,
	}
	if d.MFA.SMS {
		out.SmsMfaConfiguration = &idp.SmsMfaConfigType{
			SmsAuthenticationMessage: d.Config.SmsAuthenticationMessage, SmsConfiguration: d.Config.SmsConfiguration,
		}
	}
	if d.MFA.SoftwareToken != nil {
		out.SoftwareTokenMfaConfiguration = &idp.SoftwareTokenMfaConfigType{Enabled: d.MFA.SoftwareToken}
	}
	return out
}
