package srp

import (
	"math/big"
	"testing"
)

func benchExponent() exponent {
	return exponent{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93}
}

func BenchmarkMul(b *testing.B) {
	x, y := constants().rr, constants().kr
	b.Run("engine", func(b *testing.B) {
		for b.Loop() {
			mul(&x, &x, &y)
		}
	})
	b.Run("square", func(b *testing.B) {
		for b.Loop() {
			square(&x, &x)
		}
	})
	b.Run("portable", func(b *testing.B) {
		for b.Loop() {
			mulGeneric(&x, &x, &y)
		}
	})
}

func BenchmarkPowG(b *testing.B) {
	e := benchExponent()
	b.Run("table", func(b *testing.B) {
		Prepare()
		var z element
		for b.Loop() {
			powG(&z, &e)
		}
	})
	b.Run("math-big", func(b *testing.B) {
		n, g := bigN(), big.NewInt(2)
		eb, _ := new(big.Int).SetString("d6e8feb86659fd9394d049bb133111ebbf58476d1ce4e5b99e3779b97f4a7c15", 16)
		for b.Loop() {
			new(big.Int).Exp(g, eb, n)
		}
	})
}

func BenchmarkSharedSecret(b *testing.B) {
	v := Verifier("AbCdEf123", "alice", "P@ssw0rd-Example1", NewSalt())
	secret, public, err := ServerChallenge(v)
	if err != nil {
		b.Fatal(err)
	}
	a := Verifier("x", "y", "z", NewSalt())
	b.Run("engine", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := sharedSecret(a, secret, v, public); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("math-big", func(b *testing.B) {
		n := bigN()
		ab, vb, bb := new(big.Int).SetBytes(a), new(big.Int).SetBytes(v), new(big.Int).SetBytes(secret)
		for b.Loop() {
			s := new(big.Int).Exp(vb, bigU(a, public), n)
			s.Mul(s, ab).Mod(s, n)
			s.Exp(s, bb, n)
		}
	})
}

func BenchmarkPasswordMatches(b *testing.B) {
	salt := NewSalt()
	v := Verifier("AbCdEf123", "alice", "P@ssw0rd-Example1", salt)
	for b.Loop() {
		if !PasswordMatches("AbCdEf123", "alice", "P@ssw0rd-Example1", salt, v) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkServerChallenge(b *testing.B) {
	v := Verifier("AbCdEf123", "alice", "P@ssw0rd-Example1", NewSalt())
	for b.Loop() {
		if _, _, err := ServerChallenge(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuildTable(b *testing.B) {
	m := constants()
	for b.Loop() {
		t := new(powers)
		var base element
		m.toMont(&base, &element{2})
		for i := range t {
			for j := 1; j < len(t[i]); j++ {
				mul(&t[i][j], &t[i][j-1], &base)
			}
		}
	}
}
