package keys

import (
	"crypto/rsa"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	k := testKey(b)
	payload := make([]byte, 700)
	for b.Loop() {
		if _, err := k.Sign(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	k := testKey(b)
	token, err := k.Sign(make([]byte, 700))
	if err != nil {
		b.Fatal(err)
	}
	lookup := func(string) *rsa.PublicKey { return &k.rsa.PublicKey }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := VerifyRS256(token, lookup); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGenerateSigningKey(b *testing.B) {
	for b.Loop() {
		if _, err := GenerateSigningKey(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	r, _, _ := testRing(b)
	ad, plain := make([]byte, 64), make([]byte, 384)
	b.ReportAllocs()
	for b.Loop() {
		r.Seal(PurposeSRPVerifier, ad, plain)
	}
}

func BenchmarkOpen(b *testing.B) {
	r, _, _ := testRing(b)
	ad := make([]byte, 64)
	sealed := r.Seal(PurposeSRPVerifier, ad, make([]byte, 384))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(PurposeSRPVerifier, ad, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefreshToken(b *testing.B) {
	r, _, _ := testRing(b)
	plain := make([]byte, 300)
	token, err := r.SealToken(TokenRefresh, nil, plain)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.SealToken(TokenRefresh, nil, plain); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.OpenToken(b.Context(), TokenRefresh, nil, token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkHash(b *testing.B) {
	r, _, _ := testRing(b)
	pool, token := []byte("us-east-1_AbCdEf123"), make([]byte, 36)
	b.ReportAllocs()
	for b.Loop() {
		r.Hash("session", pool, token)
	}
}

func BenchmarkGate(b *testing.B) {
	g, ctx := NewGate(1, 1), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Do(ctx, func() {}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgon2id(b *testing.B) {
	const h = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$g3NO0Zuvwzt9cknKvKMq/S1TCCjdhwNA15ZkAppzovM"
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := VerifyPassword(h, "P@ssw0rd"); !ok {
			b.Fatal("no match")
		}
	}
}

func BenchmarkNewCode(b *testing.B) {
	for b.Loop() {
		NewCode(6)
	}
}

func BenchmarkNewUUID(b *testing.B) {
	for b.Loop() {
		NewUUID()
	}
}
