package pool

import (
	"maps"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/trigger"
)

// completeTriggers shows PreTokenGeneration and PreTokenGenerationConfig as two
// views of one function (Cognito: LambdaConfigType): the old member alone means
// events of version 1.
func completeTriggers(c *idp.LambdaConfigType) {
	switch {
	case c.PreTokenGenerationConfig != nil && c.PreTokenGeneration == nil:
		c.PreTokenGeneration = new(c.PreTokenGenerationConfig.LambdaArn)
	case c.PreTokenGeneration != nil && c.PreTokenGenerationConfig == nil:
		c.PreTokenGenerationConfig = &idp.PreTokenGenerationVersionConfigType{
			LambdaArn: *c.PreTokenGeneration, LambdaVersion: idp.PreTokenGenerationLambdaVersionTypeV10,
		}
	}
}

// checkTriggers rejects functions that could never be called.
func checkTriggers(c *idp.LambdaConfigType) error {
	if t := c.PreTokenGenerationConfig; t != nil && *c.PreTokenGeneration != t.LambdaArn {
		return invalid("PreTokenGeneration and PreTokenGenerationConfig must name the same function.")
	}
	for _, f := range triggersOf(c) {
		if _, err := trigger.ParseARN(f.arn); err != nil {
			return invalid("The " + f.name + " trigger is not the ARN of a Lambda function: " + f.arn)
		}
	}
	if (c.CustomEmailSender != nil || c.CustomSMSSender != nil) && api.Val(c.KMSKeyID) == "" {
		return invalid("KMSKeyID is required for CustomEmailSender and CustomSMSSender.")
	}
	return nil
}

// checkSenderKey rejects functions that send codes if this server does not have the key
// to encrypt the codes: all messages of the pool would be lost.
func (s *Service) checkSenderKey(c *idp.LambdaConfigType) error {
	if c.CustomEmailSender == nil && c.CustomSMSSender == nil || s.deps.SenderKeys.Has(api.Val(c.KMSKeyID)) {
		return nil
	}
	return invalidf("KMSKeyID %s is no key that this server can encrypt codes by. Its administrator names keys in the file of --triggers.", api.Val(c.KMSKeyID))
}

// namedTrigger is a function of a pool.
type namedTrigger struct{ name, arn string }

// triggersOf returns the functions that are set.
func triggersOf(c *idp.LambdaConfigType) []namedTrigger {
	var list []namedTrigger
	add := func(name string, arn *string) {
		if arn != nil {
			list = append(list, namedTrigger{name, *arn})
		}
	}
	add(trigger.PreSignUp, c.PreSignUp)
	add(trigger.CustomMessage, c.CustomMessage)
	add(trigger.PostConfirmation, c.PostConfirmation)
	add(trigger.PreAuthentication, c.PreAuthentication)
	add(trigger.PostAuthentication, c.PostAuthentication)
	add(trigger.DefineAuthChallenge, c.DefineAuthChallenge)
	add(trigger.CreateAuthChallenge, c.CreateAuthChallenge)
	add(trigger.VerifyAuthChallengeResponse, c.VerifyAuthChallengeResponse)
	add(trigger.PreTokenGeneration, c.PreTokenGeneration)
	add(trigger.UserMigration, c.UserMigration)
	if t := c.CustomEmailSender; t != nil {
		add(trigger.CustomEmailSender, &t.LambdaArn)
	}
	if t := c.CustomSMSSender; t != nil {
		add(trigger.CustomSMSSender, &t.LambdaArn)
	}
	if t := c.InboundFederation; t != nil {
		add(trigger.InboundFederation, &t.LambdaArn)
	}
	return list
}

// Triggers returns the pool's functions. It never returns nil.
func (sn *Snapshot) Triggers() *idp.LambdaConfigType {
	if sn.Config.LambdaConfig == nil {
		return &idp.LambdaConfigType{}
	}
	return sn.Config.LambdaConfig
}

// Event returns the envelope of an event of the pool. clientID is "" for an
// administrator's call without a client.
func (sn *Snapshot) Event(source, username, clientID string) trigger.Envelope {
	return trigger.Envelope{Source: source, Region: sn.Region, PoolID: sn.ID, Username: username, ClientID: clientID}
}

// EventAttributes returns a stored user's attributes as events show them. If an address
// is the username, the event has its alias member once the user is confirmed.
func (sn *Snapshot) EventAttributes(sub, status string, attributes map[string]string) map[string]string {
	m := make(map[string]string, len(attributes)+6)
	maps.Copy(m, attributes)
	m["sub"] = sub
	m["cognito:user_status"] = status
	for _, attr := range [...]string{"email", "phone_number"} {
		if m[attr] == "" {
			continue
		}
		if m[attr+"_verified"] == "" {
			m[attr+"_verified"] = "false"
		}
		if sn.AliasAttributes.Has(attr) || sn.UsernameAttributes.Has(attr) && status != string(idp.UserStatusTypeUnconfirmed) {
			m["cognito:"+attr+"_alias"] = m[attr]
		}
	}
	return m
}
