package pool

import (
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// tierRank orders the feature plans.
var tierRank = map[idp.UserPoolTierType]int{
	idp.UserPoolTierTypeLite: 0, idp.UserPoolTierTypeEssentials: 1, idp.UserPoolTierTypePlus: 2,
}

// feature is something that a plan must include.
type feature struct {
	name string
	from idp.UserPoolTierType
}

// Features that are not in every plan.
var (
	featureManagedLogin = feature{"Managed login", idp.UserPoolTierTypeEssentials}
	featureRotation     = feature{"Refresh token rotation", idp.UserPoolTierTypeEssentials}
	featureChoice       = feature{"Choice-based sign-in", idp.UserPoolTierTypeEssentials}
	featureEmailMFA     = feature{"Email MFA", idp.UserPoolTierTypeEssentials}
	featurePasskeyMFA   = feature{"Multi-factor passkey authentication", idp.UserPoolTierTypeEssentials}
	featureHistory      = feature{"Password history", idp.UserPoolTierTypeEssentials}
	featureAccessToken  = feature{"Access token customization", idp.UserPoolTierTypeEssentials}
	featureACR          = feature{"AcrConfiguration", idp.UserPoolTierTypeEssentials}
	featureStepUp       = feature{"Step-up authentication", idp.UserPoolTierTypeEssentials}
	featureDCR          = feature{"Dynamic client registration", idp.UserPoolTierTypeEssentials}
	featureSessions     = feature{"User session management", idp.UserPoolTierTypeEssentials}
	featureThreat       = feature{"Threat protection", idp.UserPoolTierTypePlus}
)

// features returns the features that the pool's own settings turn on.
func (d *settings) features() []feature {
	c := &d.Config
	var on []feature
	add := func(is bool, f feature) {
		if is {
			on = append(on, f)
		}
	}
	otherFactor := func(f idp.AuthFactorType) bool { return f != idp.AuthFactorTypePassword }
	add(c.UserPoolAddOns != nil && c.UserPoolAddOns.AdvancedSecurityMode != idp.AdvancedSecurityModeTypeOff, featureThreat)
	add(slices.ContainsFunc(c.Policies.SignInPolicy.AllowedFirstAuthFactors, otherFactor), featureChoice)
	add(d.MFA.Email != nil, featureEmailMFA)
	add(passkeysAreTwoFactors(d.MFA.WebAuthn), featurePasskeyMFA)
	add(api.Val(c.Policies.PasswordPolicy.PasswordHistorySize) > 0, featureHistory)
	t := c.LambdaConfig.PreTokenGenerationConfig
	add(t != nil && t.LambdaVersion != idp.PreTokenGenerationLambdaVersionTypeV10, featureAccessToken)
	add(len(c.AcrConfiguration) > 0, featureACR)
	add(c.DcrConfiguration != nil && c.DcrConfiguration.EnableStatus != idp.StatusTypeDisabled, featureDCR)
	add(d.tracking().On, featureSessions)
	return on
}

// checkTier rejects features that the pool's plan does not include. If the plan was
// lowered, it rejects the change of the plan. others are the features that clients and
// domains of the pool use.
func checkTier(old idp.UserPoolTierType, d *settings, others ...feature) error {
	tier := d.Config.UserPoolTier
	for _, f := range append(d.features(), others...) {
		if tierRank[tier] >= tierRank[f.from] {
			continue
		}
		if tierRank[tier] < tierRank[old] {
			return idp.TierChangeNotAllowedException(f.name + " must be turned off before the tier is changed to " + string(tier) + ".")
		}
		return unavailable(f)
	}
	return nil
}

func unavailable(f feature) error {
	return idp.FeatureUnavailableInTierException(f.name + " is not available in your current tier.")
}

// includes reports whether the plan has the feature.
func includes(tier idp.UserPoolTierType, f feature) bool { return tierRank[tier] >= tierRank[f.from] }
