package pool

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// Tracking is a pool's tracking of its users' sessions.
type Tracking struct {
	On bool
	// Period counts how often tracking was turned on. Sessions of an earlier period do
	// not count: they were not tracked while it was off.
	Period int64
	// MaxPerUser bounds a user's token sessions, of all clients together.
	MaxPerUser int
}

// sessionSettings are what SetUserPoolSessionConfiguration set.
type sessionSettings struct {
	On         bool
	Period     int64
	MaxPerUser int32
}

const (
	defaultMaxSessions = 20
	defaultSSOMinutes  = 60
)

func (d *settings) tracking() Tracking {
	s := d.Sessions
	if s == nil {
		return Tracking{MaxPerUser: defaultMaxSessions}
	}
	return Tracking{On: s.On, Period: s.Period, MaxPerUser: int(s.MaxPerUser)}
}

func (t Tracking) name() idp.UserSessionTrackingType {
	if t.On {
		return idp.UserSessionTrackingTypeEnabled
	}
	return idp.UserSessionTrackingTypeDisabled
}

// RequireTracking rejects operations that need tracked sessions.
func (sn *Snapshot) RequireTracking() error {
	if !sn.Tracking.On {
		return trackingOff()
	}
	return nil
}

func trackingOff() error {
	return idp.OperationNotEnabledException("User session tracking is not enabled for the user pool.")
}

// GetUserPoolSessionConfiguration reports whether the pool tracks sessions, and how many a user may have.
func (s *Service) GetUserPoolSessionConfiguration(ctx context.Context, in *idp.GetUserPoolSessionConfigurationRequest) (*idp.GetUserPoolSessionConfigurationResponse, error) {
	p, doc, err := poolRecord(ctx, &s.deps.Store.Reader, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	return doc.sessionConfig(p.ID), nil
}

func (d *settings) sessionConfig(poolID string) *idp.GetUserPoolSessionConfigurationResponse {
	t := d.tracking()
	return &idp.GetUserPoolSessionConfigurationResponse{
		UserPoolId: &poolID, UserSessionTracking: t.name(),
		TokenSession: &idp.UserPoolTokenSessionConfigType{MaxPerUser: int32(t.MaxPerUser)},
	}
}

// SetUserPoolSessionConfiguration turns the tracking of sessions on or off and sets how
// many a user may have. If a user has more, the extra sessions end at the user's next
// sign-in.
func (s *Service) SetUserPoolSessionConfiguration(ctx context.Context, in *idp.SetUserPoolSessionConfigurationRequest) (*idp.SetUserPoolSessionConfigurationResponse, error) {
	var out *idp.GetUserPoolSessionConfigurationResponse
	err := s.changePool(ctx, in.UserPoolId, func(_ *store.Tx, p *store.Pool, doc *settings) error {
		if !includes(doc.Config.UserPoolTier, featureSessions) {
			return unavailable(featureSessions)
		}
		old := doc.tracking()
		next := &sessionSettings{
			On: in.UserSessionTracking == idp.UserSessionTrackingTypeEnabled, Period: old.Period, MaxPerUser: in.TokenSession.MaxPerUser,
		}
		if next.On && !old.On {
			next.Period++
		}
		doc.Sessions = next
		p.ModifiedAt = s.now()
		out = doc.sessionConfig(p.ID)
		return nil
	})
	if err != nil {
		return nil, conflict(err)
	}
	return new(idp.SetUserPoolSessionConfigurationResponse(*out)), nil
}

// GetUserPoolClientSessionConfiguration returns how long the client reuses an SSO
// session. It returns the setting even while tracking is off.
func (s *Service) GetUserPoolClientSessionConfiguration(ctx context.Context, in *idp.GetUserPoolClientSessionConfigurationRequest) (*idp.GetUserPoolClientSessionConfigurationResponse, error) {
	r, d, err := s.readClient(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	return d.sessionConfig(r), nil
}

func (d *clientSettings) sessionConfig(r *store.Client) *idp.GetUserPoolClientSessionConfigurationResponse {
	return &idp.GetUserPoolClientSessionConfigurationResponse{
		UserPoolId: new(r.PoolID), ClientId: new(r.ID), SSOSession: &idp.ClientSSOSessionConfigType{MaxValidityMinutes: d.ssoMinutes()},
	}
}

// ssoMinutes returns how long after a fresh sign-in the client may reuse it.
func (d *clientSettings) ssoMinutes() int32 {
	if d.SSOMinutes == nil {
		return defaultSSOMinutes
	}
	return *d.SSOMinutes
}

// SetUserPoolClientSessionConfiguration sets how long after a sign-in the client's
// managed login does not ask for another.
func (s *Service) SetUserPoolClientSessionConfiguration(ctx context.Context, in *idp.SetUserPoolClientSessionConfigurationRequest) (*idp.SetUserPoolClientSessionConfigurationResponse, error) {
	var out *idp.GetUserPoolClientSessionConfigurationResponse
	err := s.changeClient(ctx, in.UserPoolId, in.ClientId, func(_ *store.Tx, r *store.Client, d *clientSettings, _ *store.Pool, doc *settings) error {
		switch {
		case !includes(doc.Config.UserPoolTier, featureSessions):
			return unavailable(featureSessions)
		case !doc.tracking().On:
			return trackingOff()
		}
		d.SSOMinutes = &in.SSOSession.MaxValidityMinutes
		r.ModifiedAt = s.now()
		out = d.sessionConfig(r)
		return nil
	})
	if err != nil {
		return nil, conflict(err)
	}
	return new(idp.SetUserPoolClientSessionConfigurationResponse(*out)), nil
}
