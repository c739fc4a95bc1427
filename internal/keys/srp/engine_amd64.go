//go:build !purego

package srp

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

// hasADX reports whether the processor has MULX, ADCX and ADOX: Intel since 2014,
// AMD since 2017.
var hasADX = cpu.X86.HasBMI2 && cpu.X86.HasADX

// block is the number of limbs that the kernel keeps in registers.
const block = 8

// mulAddBlocks adds x·y to t, where x has n blocks and y one; t has n blocks, and
// the block that overflows is stored past them.
//
//go:noescape
func mulAddBlocks(t, x, y *uint64, n int)

// reduceBlock adds to the 48+8 limbs of t the multiple of the modulus that makes
// the lowest 8 zero; they are not written. top is the carry of the last call, and
// the result the carry past t; both are masks.
//
//go:noescape
func reduceBlock(t *uint64, top uint64) uint64

// doubleAdd sets t = 2t + d on 96 limbs.
//
//go:noescape
func doubleAdd(t, d *uint64)

func mul(z, x, y *element) {
	if !hasADX {
		mulGeneric(z, x, y)
		return
	}
	var t [2 * limbs]uint64
	for i := 0; i < limbs; i += block {
		mulAddBlocks(&t[i], &x[0], &y[i], limbs/block)
	}
	reduceProduct(z, &t)
}

// square takes each product of two different blocks once and doubles the sum.
func square(z, x *element) {
	if !hasADX {
		mulGeneric(z, x, x)
		return
	}
	var t, squares [2 * limbs]uint64
	for i := 0; i < limbs-block; i += block {
		j := i + block
		mulAddBlocks(&t[i+j], &x[j], &x[i], (limbs-j)/block)
	}
	for i := 0; i < limbs; i += block {
		mulAddBlocks(&squares[2*i], &x[i], &x[i], 1)
	}
	doubleAdd(&t[0], &squares[0])
	reduceProduct(z, &t)
}

// reduceProduct sets z = t/R mod N.
func reduceProduct(z *element, t *[2 * limbs]uint64) {
	var top uint64
	for i := 0; i < limbs; i += block {
		top = reduceBlock(&t[i], top)
	}
	// t < R·R + R·N, so what stands past R is below R+N: subtracting N if there
	// is a carry brings it below R.
	var borrow uint64
	for i := range z {
		z[i], borrow = bits.Sub64(t[limbs+i], modulus[i]&top, borrow)
	}
}
