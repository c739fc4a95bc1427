package srp

import (
	"math/big"
	"math/bits"
	"sync"
)

// Montgomery's form of x is congruent to x·R mod N, with R = 2^3072. It is below
// R but not always below N: only fromMont reduces to the end. mulGeneric is the
// portable kernel; mul and square, which the rest of the package calls, are
// chosen in engine_*.go.

// mulGeneric sets z ≡ x·y/R mod N, for any x, y and with z below R. z may alias x
// and y.
func mulGeneric(z, x, y *element) {
	var t [2 * limbs]uint64
	var carry uint64
	for i := range limbs {
		row := (*element)(t[i:])
		c1 := addMulRow(row, x, y[i])
		// The quotient digit is t[i]·(-N⁻¹) = t[i]: see modulus.
		c2 := addMulRow(row, &modulus, row[0])
		var k1, k2 uint64
		t[i+limbs], k1 = bits.Add64(c1, c2, 0)
		t[i+limbs], k2 = bits.Add64(t[i+limbs], carry, 0)
		carry = k1 + k2
	}
	copy(z[:], t[limbs:])
	z.reduceOnce(carry)
}

// addMulRow adds x·y to z and returns the limb that overflows.
func addMulRow(z, x *element, y uint64) uint64 {
	var carry uint64
	for j := 0; j < limbs; j += 4 {
		zz, xx := (*[4]uint64)(z[j:]), (*[4]uint64)(x[j:])
		h0, l0 := bits.Mul64(xx[0], y)
		h1, l1 := bits.Mul64(xx[1], y)
		h2, l2 := bits.Mul64(xx[2], y)
		h3, l3 := bits.Mul64(xx[3], y)
		var c, d uint64
		l0, c = bits.Add64(l0, carry, 0)
		l1, c = bits.Add64(l1, h0, c)
		l2, c = bits.Add64(l2, h1, c)
		l3, c = bits.Add64(l3, h2, c)
		h3 += c // cannot overflow: a product's high limb is at most 2^64-2
		zz[0], d = bits.Add64(zz[0], l0, 0)
		zz[1], d = bits.Add64(zz[1], l1, d)
		zz[2], d = bits.Add64(zz[2], l2, d)
		zz[3], d = bits.Add64(zz[3], l3, d)
		carry = h3 + d
	}
	return carry
}

// mont holds the constants of Montgomery's form; they are computed once, from N.
type mont struct {
	one element // R mod N
	rr  element // R² mod N
	kr  element // k in Montgomery's form, so that mul(v, kr) ≡ k·v
}

var constants = sync.OnceValue(func() *mont {
	n := new(big.Int).SetBytes(modulus.bytes())
	r := new(big.Int).Lsh(big.NewInt(1), 8*Size)
	m := new(mont)
	m.one.setBytes(new(big.Int).Mod(r, n).Bytes())
	m.rr.setBytes(new(big.Int).Mod(new(big.Int).Mul(r, r), n).Bytes())
	m.toMont(&m.kr, &multiplier)
	return m
})

// toMont sets z ≡ x·R mod N.
func (m *mont) toMont(z, x *element) { mul(z, x, &m.rr) }

// fromMont sets z = x/R mod N, below N.
func (m *mont) fromMont(z, x *element) {
	one := element{1}
	mul(z, x, &one)
	z.reduceOnce(0)
}

// lookup sets z = table[index] and reads every entry, so that the memory
// touched does not tell the index.
func (z *element) lookup(table []element, index uint64) {
	*z = element{}
	for i := range table {
		// All ones if i == index: a difference of 0 alone borrows below zero.
		_, borrow := bits.Sub64(uint64(i)^index, 1, 0)
		mask := -borrow
		entry := &table[i]
		for j := 0; j < limbs; j += 4 {
			zz, ee := (*[4]uint64)(z[j:]), (*[4]uint64)(entry[j:])
			zz[0] |= ee[0] & mask
			zz[1] |= ee[1] & mask
			zz[2] |= ee[2] & mask
			zz[3] |= ee[3] & mask
		}
	}
}
