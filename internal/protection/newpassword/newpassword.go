// Package newpassword checks the passwords that people choose against those that attackers know,
// where threat protection is on.
//
// It sees passwords and the settings of pools. It stores nothing and logs no password. The check of
// passwords that are in use already belongs to the judgement of a sign-in.
package newpassword

import (
	"context"
	"errors"
	"log/slog"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
	"cognate/internal/risk/passwords"
)

// Deps are what the service is built from.
type Deps struct {
	// Settings returns what applies to an app client, as [risksettings.Service] does.
	Settings interface {
		For(ctx context.Context, sn *pool.Snapshot, clientID string) (*risksettings.Settings, error)
	}
	Passwords *passwords.Checker
	// Count counts a result for the metrics of threat protection, as [audit.Metrics.Risk] does.
	Count func(metric, operation, level, poolID string)
	Log   *slog.Logger
}

// Service checks new passwords.
type Service struct{ deps Deps }

// New builds the service.
func New(d Deps) *Service { return &Service{d} }

// Event is what a password is chosen at.
type Event = idp.EventFilterType

// operations names the events in metrics.
var operations = map[Event]string{idp.EventFilterTypeSignUp: "SignUp", idp.EventFilterTypePasswordChange: "PasswordChange"}

// errKnown is the cause of a refusal, for the log.
var errKnown = errors.New("attackers know the password")

// Check reports whether attackers know the password. It returns an InvalidPasswordException if the
// risk configuration of the app client, or of its pool, refuses such passwords. With AUDIT, or with
// the action NO_ACTION, it only counts them. It may ask the range API, so no transaction may be open.
func (s *Service) Check(ctx context.Context, sn *pool.Snapshot, clientID string, event Event, password string) (known bool, err error) {
	if risksettings.ModeOf(sn) == risksettings.Off {
		return false, nil
	}
	settings, err := s.deps.Settings.For(ctx, sn, clientID)
	if err != nil {
		return false, err
	}
	if settings.Mode == risksettings.Off || !settings.Compromised.Checks(event) {
		return false, nil
	}
	operation := operations[event]
	known, source := s.deps.Passwords.Compromised(ctx, password)
	if !known {
		s.deps.Count(audit.NoRisk, operation, "", sn.ID)
		return false, nil
	}
	const level = "high"
	s.deps.Count(audit.AnyRisk, operation, "", sn.ID)
	s.deps.Count(audit.CompromisedCredentialRisk, operation, level, sn.ID)
	refused := settings.Mode == risksettings.Enforced && settings.Compromised.Block
	s.deps.Log.InfoContext(ctx, "a new password is known to attackers", slog.String("pool", sn.ID), slog.String("operation", operation),
		slog.String("source", source.String()), slog.Bool("refused", refused))
	if !refused {
		return true, nil
	}
	s.deps.Count(audit.OverrideBlock, operation, level, sn.ID)
	return true, idp.InvalidPasswordException("Provided password cannot be used for security reasons.").WithCause(errKnown)
}
