package user

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"cognate/internal/keys/srp"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// BenchmarkVerifier is the arithmetic alone.
func BenchmarkVerifier(b *testing.B) {
	salt := srp.NewSalt()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			srp.Verifier("pool", "alice", goodPassword, salt)
		}
	})
}

// BenchmarkRow stores a user without anything else.
func BenchmarkRow(b *testing.B) {
	r := newRig(b, fresh.SQLite(b))
	sn := r.poolWith(b, nil)
	var n atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := fmt.Sprint("user", n.Add(1))
			u := store.User{PoolID: sn.ID, ID: id, Username: id, UsernameKey: id, Status: "CONFIRMED", Enabled: true, Profile: []byte("{}"), Credential: []byte{}}
			err := r.deps.Store.Update(b.Context(), func(tx *store.Tx) error { return tx.InsertUser(b.Context(), u, nil) })
			if err != nil {
				b.Error(err)
			}
		}
	})
}
