package signin

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/signin/srpproof"
	"cognate/internal/store"
	"cognate/internal/user/devices"
)

// Remembered devices (Cognito: device tracking). A client that signs in from a
// device which it registered sends its key, and once everything else is proven
// it proves by SRP that it has the device's secret, too.

const (
	paramDeviceKey = "DEVICE_KEY"

	// maxDeviceKey is the longest key (Cognito: DeviceKeyType).
	maxDeviceKey = 55
	// useAge is how old the note of a device's last use may become where a
	// sign-in writes nothing else.
	useAge = time.Hour
)

func noDevice() error {
	return idp.ResourceNotFoundException("Device does not exist.").WithReason(api.ReasonUnknownDevice)
}

// deviceKey returns the key that the call sends: "" for a key that is malformed and
// where the pool does not track devices.
func (c *call) deviceKey() string {
	if key := c.params[paramDeviceKey]; c.pool.Devices.Tracked && len(key) <= maxDeviceKey {
		return key
	}
	return ""
}

// acceptDeviceKey stores the device key of an answer in the state. Where the step
// spends the session, the device is looked up before: a client whose device is
// unknown tries again without the key (Cognito: "Device does not exist." leaves
// the session).
func (s *Service) acceptDeviceKey(ctx context.Context, t *challengeResponse, ch challenge) error {
	key, given := t.param(paramDeviceKey)
	if !given || !t.pool.Devices.Tracked {
		return nil
	}
	if (ch.ofDevice || t.state.DeviceProven()) && key != t.state.DeviceKey {
		return noDevice()
	}
	t.state.DeviceKey, t.state.device = t.deviceKey(), nil
	if ch.keeps {
		return nil
	}
	d, err := s.devices.Find(ctx, &s.store.Reader, t.pool, t.user, key)
	if errors.Is(err, store.ErrNotFound) {
		return noDevice()
	}
	t.state.device = d
	return err
}

// findDevice looks for the device that the state names, before what comes next
// is decided. One that the call itself names has to be there.
func (s *Service) findDevice(ctx context.Context, c *call, o *outcome) error {
	st := o.state
	_, given := c.param(paramDeviceKey)
	switch {
	case !c.pool.Devices.Tracked || st.DeviceKey == "" && !given:
		st.DeviceKey, st.device = "", nil
		return nil
	case st.device != nil:
		return nil
	}
	d, err := s.devices.Find(ctx, &s.store.Reader, c.pool, o.user, st.DeviceKey)
	if errors.Is(err, store.ErrNotFound) {
		if given {
			return noDevice()
		}
		st.DeviceKey = "" // Forgotten since.
		return nil
	}
	st.device = d
	return err
}

// askDevice is DEVICE_SRP_AUTH.
func (s *Service) askDevice(ctx context.Context, c *call, o *outcome) (*answer, error) {
	next := *o.state
	next.SRP, next.OTP = nil, nil
	session, err := s.seal(c, &next, idp.ChallengeNameTypeDeviceSrpAuth)
	if err == nil {
		err = s.storeNextState(ctx, c, &next)
	}
	if err != nil {
		return nil, err
	}
	return &answer{
		challenge: idp.ChallengeNameTypeDeviceSrpAuth, session: &session,
		params: map[string]string{"USERNAME": o.user.Username(), paramDeviceKey: next.DeviceKey},
	}, nil
}

// rememberedDevice returns the device that is being proven. The answer has its
// key, so it was looked for already.
func rememberedDevice(t *challengeResponse) (*devices.Device, error) {
	d := t.state.device
	if !t.pool.Devices.Tracked || d == nil || !d.Remembered { // not any more
		return nil, invalidSession().WithReason(api.ReasonUnknownDevice)
	}
	return d, nil
}

// answerDeviceSRP is DEVICE_SRP_AUTH: it answers B and the device's salt. What
// PASSWORD_VERIFIER has in the SECRET_BLOCK alone goes with a Session here.
func (s *Service) answerDeviceSRP(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckAccount(t); err != nil {
		return nil, err
	}
	d, err := rememberedDevice(t)
	if err != nil {
		return nil, err
	}
	public, err := srp.ParsePublic(t.params["SRP_A"])
	if err != nil {
		return nil, idp.InvalidParameterException("Invalid SRP_A").WithCause(err)
	}
	next := *t.state
	if next.SRP, err = srpproof.New(ctx, s.gate, public, d.Verifier); err != nil {
		return nil, err
	}
	block, err := s.seal(t.call, &next, idp.ChallengeNameTypeDevicePasswordVerifier)
	if err != nil {
		return nil, err
	}
	beside := next
	beside.SRP = nil
	session, err := s.sealed(t.call, &beside)
	if err != nil {
		return nil, err
	}
	return &outcome{state: &next, user: t.user, answer: &answer{
		challenge: idp.ChallengeNameTypeDevicePasswordVerifier, session: &session,
		params: map[string]string{
			"USERNAME": t.user.Username(), paramDeviceKey: d.Key, "SALT": hex.EncodeToString(d.Salt),
			"SRP_B": srp.FormatHex(next.SRP.B), "SECRET_BLOCK": block,
		},
	}}, nil
}

// openPair opens a Session and the SECRET_BLOCK that came with it: the same
// state, which is admitted once, and of which the block has more.
func (s *Service) openPair(ctx context.Context, c *call, name idp.ChallengeNameType, ch challenge) (*state, error) {
	if c.session == nil || *c.session == "" {
		return nil, missing("Session")
	}
	beside, err := s.openSession(ctx, c, name, *c.session)
	if err != nil {
		return nil, err
	}
	for _, key := range ch.required {
		if _, ok := c.param(key); !ok {
			return nil, missing(key)
		}
	}
	st, err := s.readBlock(ctx, c.params[ch.key])
	if err == nil && !bytes.Equal(st.Nonce, beside.Nonce) {
		err = incorrect().WithReason(api.ReasonBadSession)
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

// answerDeviceProof is DEVICE_PASSWORD_VERIFIER: the proof that the client has
// the device's secret. The device must be there, and remembered, in the commit
// that comes after the proof.
func (s *Service) answerDeviceProof(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckAccount(t); err != nil {
		return nil, err
	}
	d, err := rememberedDevice(t)
	if err != nil {
		return nil, err
	}
	if err := s.checkTimestamp(t); err != nil {
		return nil, err
	}
	if err := s.commitFirst(ctx, t); err != nil {
		return nil, err
	}
	ok, err := s.signatureMatches(ctx, t, d.Verifier, d.GroupKey, d.Key)
	if err != nil {
		return nil, err
	}
	if !ok || t.user.IsDecoy() {
		return nil, incorrect().WithReason(api.ReasonBadDevice)
	}
	err = s.commit(ctx, t.call, func(tx *store.Tx) error { return s.devices.Use(ctx, tx, t.pool, t.user, d) })
	if errors.Is(err, store.ErrNotFound) { // forgotten in this very moment
		return nil, noDevice()
	}
	if err != nil {
		return nil, err
	}
	o := passed(t.state, t.user, idp.ChallengeNameTypeDeviceSrpAuth)
	return passed(o.state, t.user, idp.ChallengeNameTypeDevicePasswordVerifier), nil
}

// deviceOfTokens returns the key of the device that the tokens are for, and what
// tells the client of it where it is new.
func (s *Service) deviceOfTokens(c *call, p *Proof) (string, *idp.NewDeviceMetadataType) {
	if !c.pool.Devices.Tracked {
		return "", nil
	}
	if d := p.device; d != nil && d.Confirmed {
		return d.Key, nil
	}
	key := s.devices.NewKey(c.pool, p.User)
	return key, &idp.NewDeviceMetadataType{DeviceKey: &key, DeviceGroupKey: new(s.devices.GroupKey(c.pool))}
}

// noteUse stores the last use of a device that was named and need not be proven,
// where the stored time is old.
func (s *Service) noteUse(ctx context.Context, c *call, o *outcome) {
	d := o.state.device
	if d == nil || !d.Confirmed || o.state.DeviceProven() {
		return
	}
	at, ip := d.Used()
	if s.now().Sub(at) < useAge && ip == api.RequestFrom(ctx).SourceIP {
		return
	}
	c.onCommit(func(tx *store.Tx) error {
		err := s.devices.Use(ctx, tx, c.pool, o.user, d)
		if errors.Is(err, store.ErrNotFound) { // changed since
			return nil
		}
		return err
	})
}
