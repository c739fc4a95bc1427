package pool

import (
	"cognate/internal/api/idp"
	"cognate/internal/trigger"
)

// This file holds every refusal of a setting whose enforcement this version does
// not have. A setting that is stored and not acted upon would be worse than none:
// an administrator would rely on it. To lift one, delete its line.

// refuseUnbuilt refuses a pool's settings that nothing would act upon.
func refuseUnbuilt(d *settings) error {
	c := &d.Config
	switch a := c.UserPoolAddOns; {
	case unbuiltTrigger(c.LambdaConfig) != "":
		return unbuilt("The Lambda trigger " + unbuiltTrigger(c.LambdaConfig) + " is")
	case a != nil && (a.AdvancedSecurityMode != idp.AdvancedSecurityModeTypeOff || a.AdvancedSecurityAdditionalFlows != nil):
		return unbuilt("Threat protection (UserPoolAddOns) is")
	case c.KeyConfiguration != nil && c.KeyConfiguration.KeyType == idp.EncryptionKeyTypeCustomerManagedKey:
		return unbuilt("Customer managed keys (KeyConfiguration) are")
	case c.DcrConfiguration != nil && c.DcrConfiguration.EnableStatus != idp.StatusTypeDisabled:
		return unbuilt("Dynamic client registration (DcrConfiguration) is")
	case len(c.AcrConfiguration) > 0:
		return unbuilt("Authentication context classes (AcrConfiguration) are")
	case c.VerificationMessageTemplate.DefaultEmailOption == idp.DefaultEmailOptionTypeConfirmWithLink:
		return unbuilt("Verification by link (CONFIRM_WITH_LINK) is")
	}
	return nil
}

// unbuiltTrigger names a function that nothing would call, "" for none.
func unbuiltTrigger(c *idp.LambdaConfigType) string {
	for _, f := range triggersOf(c) {
		switch f.name {
		case trigger.PreSignUp, trigger.PostConfirmation, trigger.PreTokenGeneration, trigger.PreAuthentication, trigger.PostAuthentication,
			trigger.DefineAuthChallenge, trigger.CreateAuthChallenge, trigger.VerifyAuthChallengeResponse, trigger.UserMigration,
			trigger.CustomMessage, trigger.CustomEmailSender, trigger.CustomSMSSender:
		default:
			return f.name
		}
	}
	return ""
}

// refuseUnbuiltDomain refuses a domain's settings that nothing would act upon.
func refuseUnbuiltDomain(r *idp.RoutingType) error {
	if r != nil {
		return unbuilt("Failover of domains (Routing) is")
	}
	return nil
}

func unbuilt(what string) error { return invalid(what + " not available in this version.") }
