package pool

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/acr"
	"cognate/internal/pool/passwordpolicy"
	"cognate/internal/pool/registration"
	"cognate/internal/pool/schema"
)

// newSettings returns the settings of a new pool. Members that an update may change
// too are taken by the update's own rules: on a pool of defaults, keeping a
// member and resetting it are the same.
func newSettings(in *idp.CreateUserPoolRequest, region string) (*settings, error) {
	if len(in.AliasAttributes) > 0 && len(in.UsernameAttributes) > 0 {
		return nil, invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	attributes, err := schema.Merge(in.Schema)
	if err != nil {
		return nil, err
	}
	d := &settings{Config: idp.UserPoolType{
		Policies: &idp.UserPoolPolicyType{
			PasswordPolicy: passwordpolicy.Default(),
			SignInPolicy:   &idp.SignInPolicyType{AllowedFirstAuthFactors: []idp.AuthFactorType{idp.AuthFactorTypePassword}},
		},
		SchemaAttributes:      attributes,
		AliasAttributes:       distinct(in.AliasAttributes),
		UsernameAttributes:    distinct(in.UsernameAttributes),
		UsernameConfiguration: in.UsernameConfiguration,
		MfaConfiguration:      idp.UserPoolMfaTypeOff,
		UserPoolTier:          idp.UserPoolTierTypeEssentials,
	}}
	if a := in.UserPoolAddOns; a != nil && a.AdvancedSecurityMode != idp.AdvancedSecurityModeTypeOff {
		d.Config.UserPoolTier = idp.UserPoolTierTypePlus
	}
	if slices.Contains(in.AliasAttributes, idp.AliasAttributeTypePreferredUsername) {
		if a, _ := schema.New(attributes).Attribute("preferred_username"); a.Required {
			return nil, invalid("preferred_username can not be both a required attribute and an alias.")
		}
	}
	// MFA from the start is by SMS, the one factor that needs no call of its own.
	if in.MfaConfiguration != "" && in.MfaConfiguration != idp.UserPoolMfaTypeOff {
		if in.SmsConfiguration == nil {
			return nil, invalid(textSMSForMFA)
		}
		d.MFA.SMS = true
	}
	return d, d.apply(updateOf(in), region)
}

const textSMSForMFA = "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"

// updateOf returns the members of a creation that an update has too.
func updateOf(in *idp.CreateUserPoolRequest) *idp.UpdateUserPoolRequest {
	return &idp.UpdateUserPoolRequest{
		Policies: in.Policies, DeletionProtection: in.DeletionProtection, LambdaConfig: in.LambdaConfig,
		AutoVerifiedAttributes: in.AutoVerifiedAttributes, SmsVerificationMessage: in.SmsVerificationMessage,
		EmailVerificationMessage: in.EmailVerificationMessage, EmailVerificationSubject: in.EmailVerificationSubject,
		VerificationMessageTemplate: in.VerificationMessageTemplate, SmsAuthenticationMessage: in.SmsAuthenticationMessage,
		UserAttributeUpdateSettings: in.UserAttributeUpdateSettings, MfaConfiguration: in.MfaConfiguration,
		DeviceConfiguration: in.DeviceConfiguration, EmailConfiguration: in.EmailConfiguration,
		SmsConfiguration: in.SmsConfiguration, UserPoolTags: in.UserPoolTags,
		AdminCreateUserConfig: in.AdminCreateUserConfig, UserPoolAddOns: in.UserPoolAddOns,
		AccountRecoverySetting: in.AccountRecoverySetting, UserPoolTier: in.UserPoolTier,
		KeyConfiguration: in.KeyConfiguration, IssuerConfiguration: in.IssuerConfiguration,
		DcrConfiguration: in.DcrConfiguration, AcrConfiguration: in.AcrConfiguration,
	}
}

// apply changes the settings as UpdateUserPool does (Cognito: what it does with a
// member that is left out differs from member to member).
func (d *settings) apply(in *idp.UpdateUserPoolRequest, region string) error {
	d.applyKept(in)
	d.applyDefaulted(in)
	for _, step := range []func(*idp.UpdateUserPoolRequest) error{
		d.applyMFA, d.applyMessages, d.applyInvitations, d.applyRecovery, d.applyTags,
	} {
		if err := step(in); err != nil {
			return err
		}
	}
	if err := checkSenders(&d.Config, region); err != nil {
		return err
	}
	return d.check()
}

// applyKept applies the members that keep their value if the request leaves them out.
func (d *settings) applyKept(in *idp.UpdateUserPoolRequest) {
	c := &d.Config
	if p := in.Policies; p != nil {
		if p.PasswordPolicy != nil {
			c.Policies.PasswordPolicy = passwordpolicy.Complete(p.PasswordPolicy)
			d.TemporaryDaysSet = p.PasswordPolicy.TemporaryPasswordValidityDays != nil
		}
		if p.SignInPolicy != nil && len(p.SignInPolicy.AllowedFirstAuthFactors) > 0 {
			c.Policies.SignInPolicy = p.SignInPolicy
		}
	}
	if in.UserPoolTier != "" {
		c.UserPoolTier = in.UserPoolTier
	}
	if u := in.UserAttributeUpdateSettings; u != nil {
		// An empty list turns it off and is shown as an empty list.
		list := distinct(u.AttributesRequireVerificationBeforeUpdate)
		if list == nil {
			list = []idp.VerifiedAttributeType{}
		}
		c.UserAttributeUpdateSettings = &idp.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: list}
	}
	if i := in.IssuerConfiguration; i != nil && *i != (idp.IssuerConfigurationType{}) {
		c.IssuerConfiguration = i
	}
	if k := in.KeyConfiguration; k != nil && *k != (idp.KeyConfigurationType{}) {
		c.KeyConfiguration = k
	}
	if in.DcrConfiguration != nil {
		c.DcrConfiguration = registration.Complete(in.DcrConfiguration)
	}
	if len(in.AcrConfiguration) > 0 {
		c.AcrConfiguration = acr.Renamed(in.AcrConfiguration)
	}
}

// applyDefaulted applies the members that return to their default if the request leaves
// them out.
func (d *settings) applyDefaulted(in *idp.UpdateUserPoolRequest) {
	c := &d.Config
	c.AutoVerifiedAttributes = distinct(in.AutoVerifiedAttributes)
	c.UserPoolAddOns = in.UserPoolAddOns
	if c.DeviceConfiguration = in.DeviceConfiguration; c.DeviceConfiguration != nil && *c.DeviceConfiguration == (idp.DeviceConfigurationType{}) {
		c.DeviceConfiguration = nil // Sending any member turns tracking on; sending none does not.
	}
	c.SmsConfiguration = in.SmsConfiguration
	c.SmsAuthenticationMessage = in.SmsAuthenticationMessage

	c.DeletionProtection = in.DeletionProtection
	if c.DeletionProtection == "" {
		c.DeletionProtection = idp.DeletionProtectionTypeInactive
	}
	c.LambdaConfig = in.LambdaConfig
	if c.LambdaConfig == nil {
		c.LambdaConfig = &idp.LambdaConfigType{}
	}
	completeTriggers(c.LambdaConfig)
	mail := idp.EmailConfigurationType{}
	if in.EmailConfiguration != nil {
		mail = *in.EmailConfiguration
	}
	if mail.EmailSendingAccount == "" {
		mail.EmailSendingAccount = idp.EmailSendingAccountTypeCognitoDefault
	}
	c.EmailConfiguration = &mail
}

// applyMFA applies the mode. SetUserPoolMfaConfig turns factors on.
func (d *settings) applyMFA(in *idp.UpdateUserPoolRequest) error {
	switch in.MfaConfiguration {
	case "":
		return nil
	case idp.UserPoolMfaTypeOff:
		d.MFA.SMS, d.MFA.SoftwareToken, d.MFA.Email = false, nil, nil
	default:
		if !d.MFA.any() {
			return invalid("Cannot turn MFA functionality ON, once the user pool has been created.")
		}
	}
	d.Config.MfaConfiguration = in.MfaConfiguration
	return nil
}

// applyMessages applies the texts of codes. The members of the pool itself and
// those of the template are two views of one value. Where a request sets both
// views to different texts, the template's text is stored.
func (d *settings) applyMessages(in *idp.UpdateUserPoolRequest) error {
	var t idp.VerificationMessageTemplateType
	if in.VerificationMessageTemplate != nil {
		t = *in.VerificationMessageTemplate
	}
	if t.DefaultEmailOption == "" {
		t.DefaultEmailOption = idp.DefaultEmailOptionTypeConfirmWithCode
	}
	t.SmsMessage = cmp.Or(t.SmsMessage, in.SmsVerificationMessage)
	t.EmailMessage = cmp.Or(t.EmailMessage, in.EmailVerificationMessage)
	t.EmailSubject = cmp.Or(t.EmailSubject, in.EmailVerificationSubject)
	c := &d.Config
	c.VerificationMessageTemplate = &t
	c.SmsVerificationMessage, c.EmailVerificationMessage, c.EmailVerificationSubject = t.SmsMessage, t.EmailMessage, t.EmailSubject
	return nil
}

// applyInvitations applies AdminCreateUserConfig. Its validity in days is the retired
// form of the password policy's.
func (d *settings) applyInvitations(in *idp.UpdateUserPoolRequest) error {
	a := idp.AdminCreateUserConfigType{}
	if in.AdminCreateUserConfig != nil {
		a = *in.AdminCreateUserConfig
	}
	if a.AllowAdminCreateUserOnly == nil {
		a.AllowAdminCreateUserOnly = new(false)
	}
	if a.UnusedAccountValidityDays != nil {
		if d.TemporaryDaysSet {
			return invalid("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays")
		}
		if *a.UnusedAccountValidityDays == 0 {
			a.UnusedAccountValidityDays = new(int32(passwordpolicy.DefaultTemporaryDays))
		}
		d.Config.Policies.PasswordPolicy.TemporaryPasswordValidityDays = a.UnusedAccountValidityDays
	} else {
		a.UnusedAccountValidityDays = new(int32(passwordpolicy.DefaultTemporaryDays))
	}
	if t := a.InviteMessageTemplate; t != nil {
		for _, m := range []*string{t.SMSMessage, t.EmailMessage} {
			// Without both, the invited person could not sign in.
			if m != nil && !(strings.Contains(*m, "{username}") && strings.Contains(*m, "{####}")) {
				return invalid("Invite message template must contain {username} and {####}.")
			}
		}
	}
	d.Config.AdminCreateUserConfig = &a
	return nil
}

// applyRecovery applies the ways to recover an account.
func (d *settings) applyRecovery(in *idp.UpdateUserPoolRequest) error {
	t := in.AccountRecoverySetting
	if t == nil || len(t.RecoveryMechanisms) == 0 {
		d.Config.AccountRecoverySetting = &idp.AccountRecoverySettingType{RecoveryMechanisms: []idp.RecoveryOptionType{
			{Priority: 1, Name: idp.RecoveryOptionNameTypeVerifiedEmail},
			{Priority: 2, Name: idp.RecoveryOptionNameTypeVerifiedPhoneNumber},
		}}
		return nil
	}
	for i, m := range t.RecoveryMechanisms {
		if m.Name == idp.RecoveryOptionNameTypeAdminOnly && len(t.RecoveryMechanisms) > 1 {
			return invalid("Account recovery by admin_only can not be combined with other mechanisms.")
		}
		for _, n := range t.RecoveryMechanisms[:i] {
			if n.Priority == m.Priority || n.Name == m.Name {
				return invalid("Account recovery mechanisms must have distinct names and priorities.")
			}
		}
	}
	d.Config.AccountRecoverySetting = t
	return nil
}

// applyTags replaces the tags if the request has any. An empty map removes them.
// Terraform's provider tags a pool by TagResource and leaves the tags out of the
// update that follows. A pool without tags shows an empty map.
func (d *settings) applyTags(in *idp.UpdateUserPoolRequest) error {
	if in.UserPoolTags == nil && d.Config.UserPoolTags != nil {
		return nil
	}
	tags := make(map[string]string, len(in.UserPoolTags))
	maps.Copy(tags, in.UserPoolTags)
	if reason := tagsFault(tags, in.UserPoolTags); reason != "" {
		return idp.UserPoolTaggingException(reason)
	}
	d.Config.UserPoolTags = tags
	return nil
}

// checkSenders checks the settings of mail and SMS.
func checkSenders(c *idp.UserPoolType, region string) error {
	if e := c.EmailConfiguration; e.EmailSendingAccount == idp.EmailSendingAccountTypeDeveloper && api.Val(e.SourceArn) == "" {
		return invalid("Email sending account DEVELOPER requires a SourceArn.")
	}
	s := c.SmsConfiguration
	if s == nil {
		return nil
	}
	switch sns := api.Val(s.SnsCallerArn) != ""; {
	case sns && s.EumsSms != nil:
		return invalid("SmsConfiguration can not have both SnsCallerArn and EumsSms.")
	case !sns && s.EumsSms == nil:
		return invalid("SmsConfiguration must have SnsCallerArn or EumsSms.")
	case s.EumsSms != nil && s.EumsSms.Region != nil && *s.EumsSms.Region != region:
		return invalid("The Region of EumsSms must be the Region of the user pool.")
	}
	return nil
}

// check rejects settings that contradict each other, whichever operation set them.
func (d *settings) check() error {
	if err := checkTriggers(d.Config.LambdaConfig); err != nil {
		return err
	}
	c := &d.Config
	if slices.Contains(c.AutoVerifiedAttributes, idp.VerifiedAttributeTypePhoneNumber) && c.SmsConfiguration == nil {
		return invalid("SMS configuration is required when phone_number is selected for auto verification")
	}
	if u := c.UserAttributeUpdateSettings; u != nil {
		for _, a := range u.AttributesRequireVerificationBeforeUpdate {
			if !slices.Contains(c.AutoVerifiedAttributes, a) {
				return invalid("All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes")
			}
		}
	}
	if k := c.KeyConfiguration; k != nil && k.KmsKeyArn != nil && k.KeyType != idp.EncryptionKeyTypeCustomerManagedKey {
		return invalid("KmsKeyArn can only be set with KeyType CUSTOMER_MANAGED_KEY.")
	}
	if slices.Contains(c.Policies.SignInPolicy.AllowedFirstAuthFactors, idp.AuthFactorTypeSoftwareToken) {
		return invalid("SOFTWARE_TOKEN can not be configured as AuthFactor")
	}
	if err := acr.Check(c.AcrConfiguration); err != nil {
		return err
	}
	if err := registration.CheckSettings(c.DcrConfiguration); err != nil {
		return err
	}
	return d.checkMFA()
}

// distinct returns the values without repetitions, nil if there are none.
func distinct[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
