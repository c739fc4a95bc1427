package signin

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/srpclient"
)

func BenchmarkPassword(b *testing.B) {
	r := sqlite(b)
	c := r.client(b, r.pool)
	r.confirmed(b, "alice")
	r.signIn(b, c, "alice")
	b.ReportAllocs()
	for b.Loop() {
		r.signIn(b, c, "alice")
	}
}

func BenchmarkSRPStart(b *testing.B) {
	r := sqlite(b)
	c := r.client(b, r.pool)
	r.confirmed(b, "alice")
	client := srpclient.New(c.PoolID)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.askSRPOf(b, c, client, "alice"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSRPProof(b *testing.B) {
	r := sqlite(b)
	c := r.client(b, r.pool)
	r.confirmed(b, "alice")
	r.signIn(b, c, "alice")
	client := srpclient.New(c.PoolID)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		out, err := r.askSRPOf(b, c, client, "alice")
		if err != nil {
			b.Fatal(err)
		}
		responses := client.Prove(out.ChallengeParameters, right, r.now())
		b.StartTimer()
		if got := answered(r.prove(b, c, responses)); got != "tokens" {
			b.Fatal(got)
		}
	}
}

func BenchmarkRefresh(b *testing.B) {
	r := sqlite(b)
	c := r.client(b, r.pool)
	r.confirmed(b, "alice")
	raw := *r.signIn(b, c, "alice").RefreshToken
	b.ReportAllocs()
	for b.Loop() {
		if _, says := r.viaAuth(b, c, raw); says != "tokens" {
			b.Fatal(says)
		}
	}
}

func BenchmarkGetTokensRotating(b *testing.B) {
	r := sqlite(b)
	c := r.client(b, r.pool, rotating(0))
	r.confirmed(b, "alice")
	raw := *r.signIn(b, c, "alice").RefreshToken
	b.ReportAllocs()
	for b.Loop() {
		out, err := r.GetTokensFromRefreshToken(b.Context(), &idp.GetTokensFromRefreshTokenRequest{ClientId: c.ID, RefreshToken: raw})
		if err != nil {
			b.Fatal(err)
		}
		raw = *out.AuthenticationResult.RefreshToken
	}
}
