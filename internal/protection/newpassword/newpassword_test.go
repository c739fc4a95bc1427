package newpassword

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
)

const common = "Password123!"

type fixed risksettings.Settings

func (f fixed) For(context.Context, *pool.Snapshot, string) (*risksettings.Settings, error) {
	return (*risksettings.Settings)(&f), nil
}

func TestCheck(t *testing.T) {
	t.Parallel()
	both := []Event{idp.EventFilterTypeSignUp, idp.EventFilterTypePasswordChange}
	for name, test := range map[string]struct {
		mode     risksettings.Mode
		events   []Event
		permit   bool // the action is NO_ACTION
		event    Event
		password string
		refused  bool
		counts   string
	}{
		"refused at a sign-up": {mode: risksettings.Enforced, events: both, event: both[0], password: common, refused: true,
			counts: "Risk/SignUp/ CompromisedCredentialRisk/SignUp/high OverrideBlock/SignUp/high"},
		"refused at a change": {mode: risksettings.Enforced, events: both, event: both[1], password: common, refused: true,
			counts: "Risk/PasswordChange/ CompromisedCredentialRisk/PasswordChange/high OverrideBlock/PasswordChange/high"},
		"good":      {mode: risksettings.Enforced, events: both, event: both[0], password: "maple-Ostrich-7", counts: "NoRisk/SignUp/"},
		"no action": {mode: risksettings.Enforced, events: both, permit: true, event: both[0], password: common, counts: "Risk/SignUp/ CompromisedCredentialRisk/SignUp/high"},
		"audit":     {mode: risksettings.Audit, events: both, event: both[0], password: common, counts: "Risk/SignUp/ CompromisedCredentialRisk/SignUp/high"},
		"filtered":  {mode: risksettings.Enforced, events: both[1:], event: both[0], password: common},
		"off":       {mode: risksettings.Off, events: both, event: both[0], password: common},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var counts []string
			var log bytes.Buffer
			s := New(Deps{
				Settings: fixed{Mode: test.mode, Compromised: risksettings.Compromised{Events: test.events, Block: !test.permit}},
				Count: func(metric, operation, level, poolID string) {
					counts = append(counts, metric+"/"+operation+"/"+level)
					if poolID != "eu-west-1_x" {
						t.Errorf("pool %s", poolID)
					}
				},
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			sn := &pool.Snapshot{ID: "eu-west-1_x"}
			mode := map[risksettings.Mode]idp.AdvancedSecurityModeType{
				risksettings.Off: idp.AdvancedSecurityModeTypeOff, risksettings.Audit: idp.AdvancedSecurityModeTypeAudit, risksettings.Enforced: idp.AdvancedSecurityModeTypeEnforced,
			}[test.mode]
			sn.Config.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: mode}
			isKnown, err := s.Check(t.Context(), sn, "client", test.event, test.password)
			if refused := api.CodeOf(err) == "InvalidPasswordException"; refused != test.refused || !refused && err != nil {
				t.Errorf("%v", err)
			}
			if test.refused && !strings.Contains(err.Error(), "Provided password cannot be used for security reasons.") {
				t.Errorf("%v", err)
			}
			if got := strings.Join(counts, " "); got != test.counts {
				t.Errorf("counts %q, want %q", got, test.counts)
			}
			if known := slices.Contains(counts, "Risk/"+operations[test.event]+"/"); isKnown != known || strings.Contains(log.String(), test.password) || known != (log.Len() > 0) {
				t.Errorf("log %q", log.String())
			}
		})
	}
}
