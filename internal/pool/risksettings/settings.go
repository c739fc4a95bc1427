package risksettings

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk/lists"
)

// A Mode says what threat protection does.
type Mode uint8

const (
	// Off evaluates nothing and records nothing.
	Off Mode = iota
	// Audit evaluates and records, and never acts.
	Audit
	// Enforced acts as the risk configuration says.
	Enforced
)

// ModeOf returns the mode of a pool's threat protection.
func ModeOf(sn *pool.Snapshot) Mode {
	if a := sn.Config.UserPoolAddOns; a != nil {
		switch a.AdvancedSecurityMode {
		case idp.AdvancedSecurityModeTypeAudit:
			return Audit
		case idp.AdvancedSecurityModeTypeEnforced:
			return Enforced
		}
	}
	return Off
}

// CustomModeOf returns the mode for sign-ins by CUSTOM_AUTH. It is Off unless both the pool's threat protection and its
// additional flow are on.
func CustomModeOf(sn *pool.Snapshot) Mode {
	a := sn.Config.UserPoolAddOns
	if ModeOf(sn) == Off || a.AdvancedSecurityAdditionalFlows == nil {
		return Off
	}
	switch a.AdvancedSecurityAdditionalFlows.CustomAuthMode {
	case idp.AdvancedSecurityEnabledModeTypeAudit:
		return Audit
	case idp.AdvancedSecurityEnabledModeTypeEnforced:
		return Enforced
	}
	return Off
}

// Settings are what applies to sign-ins by one app client. They are shared: nobody may change them.
type Settings struct {
	Mode, CustomMode Mode

	// Blocked and Skipped are the ranges of addresses that are always refused, and that are not evaluated.
	Blocked, Skipped *lists.Set
	// Low, Medium and High are the actions at these levels of risk.
	Low, Medium, High Action
	// Notify has the templates and the sender of notifications; nil if there are none.
	Notify *idp.NotifyConfigurationType
	// Compromised is what happens with a password that is known to attackers.
	Compromised Compromised
}

// An Action is what follows from a level of risk.
type Action struct {
	Do     idp.AccountTakeoverEventActionType
	Notify bool
}

// Compromised is the setting for passwords that are known to attackers.
type Compromised struct {
	Events []idp.EventFilterType
	Block  bool
}

// Checks reports whether passwords are compared at such an event.
func (c Compromised) Checks(event idp.EventFilterType) bool { return slices.Contains(c.Events, event) }

// settingsOff are the settings of pools without threat protection.
var settingsOff = &Settings{}

// newSettings returns the effect of a configuration. A part that was never set has its default: passwords that are known
// to attackers are refused, and sign-ins of each level of risk (Cognito: threat protection, default settings).
func newSettings(sn *pool.Snapshot, doc *configuration) (*Settings, error) {
	block := Action{Do: idp.AccountTakeoverEventActionTypeBlock}
	s := &Settings{
		Mode: ModeOf(sn), CustomMode: CustomModeOf(sn),
		Low: block, Medium: block, High: block,
		Compromised: Compromised{
			Events: []idp.EventFilterType{idp.EventFilterTypeSignIn, idp.EventFilterTypePasswordChange, idp.EventFilterTypeSignUp}, Block: true,
		},
	}
	if c := doc.Compromised; c != nil {
		s.Compromised = Compromised{Events: c.EventFilter, Block: c.Actions.EventAction == idp.CompromisedCredentialsEventActionTypeBlock}
	}
	if t := doc.Takeover; t != nil {
		s.setActions(t.Actions)
		s.Notify = t.NotifyConfiguration
	}
	if e := doc.Exceptions; e != nil {
		var err error
		if s.Blocked, err = lists.New(e.BlockedIPRangeList); err != nil {
			return nil, err
		}
		if s.Skipped, err = lists.New(e.SkippedIPRangeList); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// setActions sets the actions of the levels. A level without an action has that of the level below it: otherwise a higher
// risk would be treated with less care than a lower one.
func (s *Settings) setActions(a *idp.AccountTakeoverActionsType) {
	action := Action{Do: idp.AccountTakeoverEventActionTypeNoAction}
	for _, level := range []struct {
		to   *Action
		from *idp.AccountTakeoverActionType
	}{{&s.Low, a.LowAction}, {&s.Medium, a.MediumAction}, {&s.High, a.HighAction}} {
		if level.from != nil {
			action = Action{Do: level.from.EventAction, Notify: level.from.Notify}
		}
		*level.to = action
	}
}
