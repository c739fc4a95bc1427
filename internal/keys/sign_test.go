package keys

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// TestSignatures wants signatures to outlive rotation and retirement, and no others to verify.
func TestSignatures(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, _, records := testRing(t)
	statement := []byte("head 5")
	id, signature := r.Sign(PurposeAuditCheckpoint, statement)
	verify := func(name string, id uint32, statement, signature []byte, want error) {
		t.Helper()
		if err := r.VerifySigned(ctx, PurposeAuditCheckpoint, id, statement, signature); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	verify("own", id, statement, signature, nil)
	verify("another statement", id, []byte("head 6"), signature, ErrSignature)
	verify("no signature", id, statement, nil, ErrSignature)

	rotated := start.Add(time.Hour)
	records = append(records, must(r.Rotate(ctx, rotated, PurposeAuditCheckpoint))...)
	if err := r.Load(ctx, records, rotated.Add(SealDelay)); err != nil {
		t.Fatal(err)
	}
	next, _ := r.Sign(PurposeAuditCheckpoint, statement)
	if next == id || r.SigningKeyID(PurposeAuditCheckpoint) != next {
		t.Errorf("after the rotation key %d signs, before it %d", next, id)
	}
	verify("after the rotation", id, statement, signature, nil)
	verify("by another key", next, statement, signature, ErrSignature)

	retired := must(r.Retire(ctx, nil, slices.Clone(records), rotated.Add(time.Hour)))
	if err := r.Load(ctx, retired, rotated.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	verify("after the retirement", id, statement, signature, nil)
	if last, _ := r.Sign(PurposeAuditCheckpoint, statement); last == next {
		t.Error("a retired key signs")
	}
}
