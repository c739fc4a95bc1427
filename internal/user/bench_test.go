package user

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// BenchmarkSignUp signs people up side by side, as a server does, so that the
// commits are grouped. Its floor is BenchmarkVerifier and one grouped row.
func BenchmarkSignUp(b *testing.B) {
	r := newRig(b, fresh.SQLite(b))
	sn := r.poolWith(b, nil)
	client := r.clientWith(b, sn, nil)
	var n atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, err := r.SignUp(b.Context(), &idp.SignUpRequest{
				ClientId: client, Username: fmt.Sprint("user", i), Password: new(goodPassword),
				UserAttributes: attributes("email", fmt.Sprintf("user%d@example.com", i), "name", "Alice"),
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

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
