package signin

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/risk"
	"cognate/internal/signin/codes"
	"cognate/internal/signin/refresh"
	"cognate/internal/signin/stepup"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/devices"
	"cognate/internal/user/factors"
	"cognate/internal/user/groups"
	"cognate/internal/user/passkeys"
	"cognate/internal/user/registration"
)

// Deps are what the service is built from.
type Deps struct {
	Store     *store.Store
	Pools     *pool.Service
	Users     *user.Service
	Groups    *groups.Service
	Devices   *devices.Service
	Passkeys  *passkeys.Service
	Factors   *factors.Service
	Mail      *mailing.Service
	Tokens    *token.Service
	Refreshes *refresh.Service
	Ring      *keys.Ring
	Gate      *keys.Gate
	Lockouts  *risk.Lockouts
	// Triggers call the pool's own functions.
	Triggers *trigger.Service
	// Protection judges sign-ins.
	Protection *protection.Service
	Now        func() time.Time
	// Machine is the clock that clients' own are compared with; nil is Now.
	Machine func() time.Time
	// Rand is crypto/rand unless a test needs fixed values.
	Rand io.Reader
	Log  *slog.Logger

	Registrations *registration.Service
}

// Service signs people in.
type Service struct {
	store      *store.Store
	pools      *pool.Service
	users      *user.Service
	groups     *groups.Service
	devices    *devices.Service
	passkeys   *passkeys.Service
	factors    *factors.Service
	mail       *mailing.Service
	tokens     *token.Service
	refreshes  *refresh.Service
	ring       *keys.Ring
	gate       *keys.Gate
	lockouts   *risk.Lockouts
	triggers   *trigger.Service
	protection *protection.Service
	now        func() time.Time
	machine    func() time.Time
	rand       io.Reader
	log        *slog.Logger
	stepUps    *stepup.Service
	codes      *codes.Service

	registrations *registration.Service
}

// New builds the service.
func New(d Deps) *Service {
	s := &Service{
		store: d.Store, pools: d.Pools, users: d.Users, groups: d.Groups, devices: d.Devices, passkeys: d.Passkeys, factors: d.Factors, mail: d.Mail, tokens: d.Tokens, refreshes: d.Refreshes, ring: d.Ring,
		gate: d.Gate, lockouts: d.Lockouts, triggers: d.Triggers, now: d.Now, machine: d.Machine, rand: d.Rand, log: d.Log,
		registrations: d.Registrations, protection: d.Protection, codes: codes.New(codes.Deps{Ring: d.Ring, Now: d.Now}), stepUps: stepup.New(stepup.Deps{Tokens: d.Tokens, Users: d.Users, Now: d.Now}),
	}
	if s.machine == nil {
		s.machine = s.now
	}
	if s.rand == nil {
		s.rand = rand.Reader
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// The answers that say no more than they must.

func incorrect() *api.Error {
	return idp.NotAuthorizedException("Incorrect username or password.").WithReason(api.ReasonWrongPassword)
}

func userNotFound() error { return idp.UserNotFoundException("User does not exist.") }

func missing(key string) error {
	return idp.InvalidParameterException("Missing required parameter " + key)
}

// overloadError returns the exception for an error that reports overload; other
// errors it returns without their terminal mark.
func overloadError(err error) error {
	if last, ok := errors.AsType[terminalError](err); ok {
		err = last.error
	}
	if errors.Is(err, keys.ErrBusy) || errors.Is(err, risk.ErrBusy) {
		return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonOverloaded).WithCause(err)
	}
	return err
}
