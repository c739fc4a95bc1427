package registration

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/people"
)

// BenchmarkSignUp signs people up side by side, as a server does, so that the
// commits are grouped. Its floor is BenchmarkVerifier and one grouped row.
func BenchmarkSignUp(b *testing.B) {
	r := newRig(people.SQLite(b))
	sn := r.poolWith(b, nil)
	client := r.clientWith(b, sn, nil)
	var n atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, err := r.SignUp(b.Context(), &idp.SignUpRequest{
				ClientId: client, Username: fmt.Sprint("user", i), Password: new(people.Password),
				UserAttributes: people.Attributes("email", fmt.Sprintf("user%d@example.com", i), "name", "Alice"),
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}
