package pool

import (
	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Devices is a pool's setting for the devices that people sign in from.
type Devices struct {
	// Tracked is true if devices get a key.
	Tracked bool
	// ReplaceMFA is true if the proof of a remembered device takes the place of a second
	// factor (Cognito: ChallengeRequiredOnNewDevice).
	ReplaceMFA bool
	// OnPrompt is true if a device is not remembered until the user asks for it.
	OnPrompt bool
}

// devicesOf returns the setting. Any member, even false, turns tracking on.
func devicesOf(c *idp.DeviceConfigurationType) Devices {
	if c == nil {
		return Devices{}
	}
	return Devices{
		Tracked: true, ReplaceMFA: api.Val(c.ChallengeRequiredOnNewDevice), OnPrompt: api.Val(c.DeviceOnlyRememberedOnUserPrompt),
	}
}
