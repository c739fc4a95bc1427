package user

import (
	"testing"

	"cognate/test/services"
)

func TestDecoysMatchNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.AnyCase)
		d := r.Decoy(sn, "Nobody")
		c, err := r.Credential(d)
		if err != nil || len(c.Salt) != 16 || len(c.Verifier) == 0 {
			t.Fatalf("%d bytes of salt, %v", len(c.Salt), err)
		}
		same := r.Decoy(sn, "nobody")
		if d.ID() != same.ID() || d.ID() == r.Decoy(sn, "somebody").ID() {
			t.Error("a decoy is not a function of the folded name")
		}
		if ok, err := r.PasswordMatches(t.Context(), sn, d, c, goodPassword); ok || err != nil {
			t.Errorf("a decoy's password matches: %v, %v", ok, err)
		}
		_, err = r.ResolveAdmin(t.Context(), sn, d.ID())
		wantSays(t, err, "UserNotFoundException: User does not exist.")
	})
}
