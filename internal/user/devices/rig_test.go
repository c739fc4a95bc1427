package devices

import (
	"testing"

	"cognate/test/people"
)

type rig struct {
	*people.Rig
	*Service
}

func newRig(p *people.Rig) *rig {
	return &rig{p, New(Deps{Store: p.Store, Pools: p.Pools, Ring: p.Ring, Users: p.Users, Now: p.Clock.Now})}
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	people.Engines(t, func(t *testing.T, p *people.Rig) { test(t, newRig(p)) })
}
