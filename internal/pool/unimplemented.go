package pool

import (
	"cognate/internal/api/idp"
	"cognate/internal/trigger"
)

// This file rejects every setting that this version does not implement. Storing such a
// setting would be worse than rejecting it: an administrator would rely on it. To allow a
// setting, delete its line.

// checkImplemented rejects a pool's settings that this version does not implement.
func checkImplemented(d *settings) error {
	c := &d.Config
	switch a := c.UserPoolAddOns; {
	case unimplementedTrigger(c.LambdaConfig) != "":
		return unimplemented("The Lambda trigger " + unimplementedTrigger(c.LambdaConfig) + " is")
	case a != nil && (a.AdvancedSecurityMode != idp.AdvancedSecurityModeTypeOff || a.AdvancedSecurityAdditionalFlows != nil):
		return unimplemented("Threat protection (UserPoolAddOns) is")
	case c.KeyConfiguration != nil && c.KeyConfiguration.KeyType == idp.EncryptionKeyTypeCustomerManagedKey:
		return unimplemented("Customer managed keys (KeyConfiguration) are")
	}
	return nil
}

// unimplementedTrigger returns the name of a function that this version never calls, ""
// if there is none.
func unimplementedTrigger(c *idp.LambdaConfigType) string {
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

// checkDomainImplemented rejects a domain's settings that this version does not implement.
func checkDomainImplemented(r *idp.RoutingType) error {
	if r != nil {
		return unimplemented("Failover of domains (Routing) is")
	}
	return nil
}

func unimplemented(what string) error { return invalid(what + " not available in this version.") }
