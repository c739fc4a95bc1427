// Package srpproof is the server's half of an SRP exchange in a sign-in: of a user with the password, or of a device with
// its secret. It knows no state of a sign-in, and reads no row.
package srpproof

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"cognate/internal/keys"
	"cognate/internal/keys/srp"
)

// Skew is how far a client's clock may be off.
const Skew = 5 * time.Minute

// ErrClock means that a timestamp is too far from the server's clock.
var ErrClock = errors.New("srpproof: the client's clock is off")

// An Exchange is what the server remembers. It is part of a sealed state, so its JSON names must not change.
type Exchange struct {
	A []byte `json:"a"` // the client's public value
	B []byte `json:"b"` // ours
	E []byte `json:"e"` // our ephemeral secret
}

// New draws the server's value for a client's value and a verifier.
func New(ctx context.Context, gate *keys.Gate, public, verifier []byte) (*Exchange, error) {
	x := &Exchange{A: public}
	var err error
	if gateErr := gate.Do(ctx, func() { x.E, x.B, err = srp.ServerChallenge(verifier) }); gateErr != nil {
		return nil, gateErr
	}
	return x, err
}

// CheckTimestamp holds a timestamp to its exact form, which [srp.ErrTimestamp] reports, and to our clock. Some clients take
// the time before the first call, so it may be older than the exchange. ahead is how far our clock is ahead of the real
// time, by which clients go.
func CheckTimestamp(text string, now, issued time.Time, ahead time.Duration) error {
	at, err := srp.ParseTimestamp(text)
	if err != nil {
		return err
	}
	at = at.Add(ahead)
	if at.Before(now.Add(-Skew)) || at.After(now.Add(Skew)) || at.Before(issued.Add(-Skew)) {
		return ErrClock
	}
	return nil
}

// A Claim is the client's proof.
type Claim struct {
	// Group and Name are a user in a pool, or a device in its group.
	Group, Name                 string
	Block, Timestamp, Signature string
}

// Proves reports whether the claim's signature shows what the verifier was made from.
func (x *Exchange) Proves(ctx context.Context, gate *keys.Gate, verifier []byte, c Claim) (bool, error) {
	// The signature is over the bytes that the block spells.
	block, err := base64.StdEncoding.DecodeString(c.Block)
	if err != nil {
		return false, fmt.Errorf("signin: a block that opened does not decode: %w", err)
	}
	matches := false
	gateErr := gate.Do(ctx, func() {
		var key []byte
		if key, err = srp.SessionKey(x.A, x.E, verifier, x.B); err != nil {
			return
		}
		matches = srp.SignatureMatches(srp.Signature(key, c.Group, c.Name, block, c.Timestamp), c.Signature)
	})
	if gateErr != nil {
		return false, gateErr
	}
	return matches, err
}
