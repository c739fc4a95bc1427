package srp

import "sync"

// exponent is an integer of 256 bits, least significant limb first.
type exponent [4]uint64

func (e *exponent) setBytes(b *[32]byte) {
	for i := range e {
		var limb uint64
		for _, c := range b[32-8*(i+1) : 32-8*i] {
			limb = limb<<8 | uint64(c)
		}
		e[i] = limb
	}
}

// window returns the width bits of e from bit on; bits past the end are 0.
func (e *exponent) window(bit, width int) uint64 {
	limb, shift := bit/64, bit%64
	w := e[limb] >> shift
	if shift+width > 64 && limb+1 < len(e) {
		w |= e[limb+1] << (64 - shift)
	}
	return w & (1<<width - 1)
}

const (
	fixedWidth = 5
	fixedRows  = (256 + fixedWidth - 1) / fixedWidth
)

// powers holds g^(j·2^(5i)) for each window i and digit j, in Montgomery's form:
// 52 rows of 32 entries, 624 KiB. g^e is then 51 multiplications and no
// squaring.
type powers [fixedRows][1 << fixedWidth]element

var generatorPowers = sync.OnceValue(func() *powers {
	m := constants()
	t := new(powers)
	var base element
	m.toMont(&base, &element{2})
	for i := range t {
		t[i][0] = m.one
		for j := 1; j < len(t[i]); j++ {
			mul(&t[i][j], &t[i][j-1], &base)
		}
		mul(&base, &t[i][len(t[i])-1], &base)
	}
	return t
})

// Prepare builds the table of powers of g, so that the first sign-in does not
// wait for it (a few milliseconds).
func Prepare() { generatorPowers() }

// powG sets z = g^e in Montgomery's form. It is constant-time in e.
func powG(z *element, e *exponent) {
	t := generatorPowers()
	var entry element
	z.lookup(t[0][:], e.window(0, fixedWidth))
	for i := 1; i < fixedRows; i++ {
		entry.lookup(t[i][:], e.window(i*fixedWidth, fixedWidth))
		mul(z, z, &entry)
	}
}

// pow sets z = x^e, both in Montgomery's form. It is constant-time in x and e.
func pow(z, x *element, e *exponent) {
	const width = 4
	var t [1 << width]element
	t[0] = constants().one
	for i := 1; i < len(t); i++ {
		mul(&t[i], &t[i-1], x)
	}
	var acc, entry element
	acc.lookup(t[:], e.window(256-width, width))
	for bit := 256 - 2*width; bit >= 0; bit -= width {
		for range width {
			square(&acc, &acc)
		}
		entry.lookup(t[:], e.window(bit, width))
		mul(&acc, &acc, &entry)
	}
	*z = acc
}

// powPublic sets z = x^e, both in Montgomery's form, for an exponent that
// everyone knows: its bits choose the path. It is constant-time in x alone.
func powPublic(z, x *element, e *exponent) {
	const width = 6
	var odd [1 << (width - 1)]element // x, x³, x⁵, …
	var xx element
	odd[0] = *x
	square(&xx, x)
	for i := 1; i < len(odd); i++ {
		mul(&odd[i], &odd[i-1], &xx)
	}
	acc, started := constants().one, false
	for bit := 255; bit >= 0; {
		if e.window(bit, 1) == 0 {
			if started {
				square(&acc, &acc)
			}
			bit--
			continue
		}
		low := max(bit-width+1, 0)
		for e.window(low, 1) == 0 {
			low++
		}
		digit := e.window(low, bit-low+1)
		if !started {
			acc, started = odd[digit/2], true
		} else {
			for range bit - low + 1 {
				square(&acc, &acc)
			}
			mul(&acc, &acc, &odd[digit/2])
		}
		bit = low - 1
	}
	*z = acc
}
