package protection

import (
	"cognate/internal/api/idp"
	"cognate/internal/pool/risksettings"
	"cognate/internal/risk/score"
)

// A Verdict says what has to follow for a sign-in whose first factor was right. In AUDIT mode nothing has to.
type Verdict struct {
	// Refuse means that the sign-in is refused.
	Refuse bool
	// ResetPassword means that the password is known to attackers: the sign-in is refused, and the user must set another.
	ResetPassword bool
	// RequireMFA means that a second factor must be passed if the user has one, on remembered devices, too.
	RequireMFA bool
	// Notify is the action of which the user is told; "" for no message.
	Notify idp.AccountTakeoverEventActionType

	decision idp.RiskDecisionType
}

// findings are what a verdict depends on, beside the settings.
type findings struct {
	mode             risksettings.Mode
	blocked, skipped bool // the address, by the configuration
	compromised      bool // the password
	level            score.Level
	canPassMFA       bool
	wrongPassword    bool
}

// decide returns the verdict. The order is that of the documentation: the lists of addresses, the password, the score.
// The decision says what the configuration comes to, also where the mode lets the sign-in go on.
func decide(settings *risksettings.Settings, f findings) Verdict {
	v := Verdict{decision: idp.RiskDecisionTypeNoRisk}
	acts := f.mode == risksettings.Enforced && !f.wrongPassword
	switch {
	case f.blocked:
		v.decision, v.Refuse = idp.RiskDecisionTypeBlock, acts
		return v
	case f.compromised && settings.Compromised.Block && acts:
		v.ResetPassword = true
		return v
	case f.skipped || f.level == score.LevelNone:
		return v
	}
	action := actionAt(settings, f.level)
	v.decision = idp.RiskDecisionTypeAccountTakeover
	if f.wrongPassword {
		return v
	}
	refuse, mfa := effect(action.Do, f.canPassMFA)
	if refuse {
		v.decision = idp.RiskDecisionTypeBlock
	}
	if !acts {
		return v
	}
	v.Refuse, v.RequireMFA = refuse, mfa
	if action.Notify {
		v.Notify = action.Do
		if refuse {
			v.Notify = idp.AccountTakeoverEventActionTypeBlock
		}
	}
	return v
}

func actionAt(settings *risksettings.Settings, level score.Level) risksettings.Action {
	switch level {
	case score.LevelHigh:
		return settings.High
	case score.LevelMedium:
		return settings.Medium
	}
	return settings.Low
}

// effect returns what an action does to a user.
func effect(action idp.AccountTakeoverEventActionType, canPassMFA bool) (refuse, mfa bool) {
	switch action {
	case idp.AccountTakeoverEventActionTypeBlock:
		return true, false
	case idp.AccountTakeoverEventActionTypeMfaRequired:
		return !canPassMFA, canPassMFA
	case idp.AccountTakeoverEventActionTypeMfaIfConfigured:
		return false, canPassMFA
	}
	return false, false
}
