package srp

import (
	"encoding/binary"
	"math/bits"
)

// Size is the length in bytes of every group element: verifiers, A, B and S.
const Size = 384

// limbs is the number of 64-bit limbs of a group element.
const limbs = Size / 8

// element is an integer below 2^3072, least significant limb first.
type element [limbs]uint64

// modulus is N, the 3072-bit MODP prime (RFC 3526 §5). Its lowest limb is
// 2^64-1, so that -N⁻¹ mod 2^64 is 1 and Montgomery's quotient digit is the
// lowest limb itself: the arithmetic of this package relies on that.
var modulus = element{
	0xffffffffffffffff, 0x4b82d120a93ad2ca, 0x43db5bfce0fd108e, 0x08e24fa074e5ab31,
	0x770988c0bad946e2, 0xbbe117577a615d6c, 0x521f2b18177b200c, 0xd87602733ec86a64,
	0xf12ffa06d98a0864, 0xcee3d2261ad2ee6b, 0x1e8c94e04a25619d, 0xabf5ae8cdb0933d7,
	0xb3970f85a6e1e4c7, 0x8aea71575d060c7d, 0xecfb850458dbef0a, 0xa85521abdf1cba64,
	0xad33170d04507a33, 0x15728e5a8aaac42d, 0x15d2261898fa0510, 0x3995497cea956ae5,
	0xde2bcbf695581718, 0xb5c55df06f4c52c9, 0x9b2783a2ec07a28f, 0xe39e772c180e8603,
	0x32905e462e36ce3b, 0xf1746c08ca18217c, 0x670c354e4abc9804, 0x9ed529077096966d,
	0x1c62f356208552bb, 0x83655d23dca3ad96, 0x69163fa8fd24cf5f, 0x98da48361c55d39a,
	0xc2007cb8a163bf05, 0x49286651ece45b3d, 0xae9f24117c4b1fe6, 0xee386bfb5a899fa5,
	0x0bff5cb6f406b7ed, 0xf44c42e9a637ed6b, 0xe485b576625e7ec6, 0x4fe1356d6d51c245,
	0x302b0a6df25f1437, 0xef9519b3cd3a431b, 0x514a08798e3404dd, 0x020bbea63b139b22,
	0x29024e088a67cc74, 0xc4c6628b80dc1cd1, 0xc90fdaa22168c234, 0xffffffffffffffff,
}

// multiplier is k = H(PAD(N) ‖ PAD(g)) (RFC 5054 §2.5.3), where Cognito's PAD is
// the sign byte of two's complement and not the length of N.
var multiplier = element{0x1b43b8a5b66d9ee6, 0xf5b3a6b08791e501, 0xcbbde2359fcf67f9, 0x538282c4354742d7}

// setBytes reads a big-endian number of at most Size bytes.
func (z *element) setBytes(b []byte) {
	var buf [Size]byte
	copy(buf[Size-len(b):], b)
	for i := range z {
		z[i] = binary.BigEndian.Uint64(buf[Size-8*(i+1):])
	}
}

// bytes writes the number in Size bytes, big-endian.
func (z *element) bytes() []byte {
	buf := make([]byte, Size)
	for i, limb := range z {
		binary.BigEndian.PutUint64(buf[Size-8*(i+1):], limb)
	}
	return buf
}

// isZero reports, in constant time, whether z is 0.
func (z *element) isZero() bool {
	var or uint64
	for _, limb := range z {
		or |= limb
	}
	return or == 0
}

// belowModulus reports, in constant time, whether z < N.
func (z *element) belowModulus() bool {
	var borrow uint64
	for i := range z {
		_, borrow = bits.Sub64(z[i], modulus[i], borrow)
	}
	return borrow == 1
}

// reduceOnce subtracts N from carry·2^3072 + z if that is not less than N.
// The caller knows that the value is below 2N.
func (z *element) reduceOnce(carry uint64) {
	var d element
	var borrow uint64
	for i := range z {
		d[i], borrow = bits.Sub64(z[i], modulus[i], borrow)
	}
	// Keep z only if the subtraction went below zero and no carry pays for it.
	keep := -(borrow &^ carry)
	for i := range z {
		z[i] = z[i]&keep | d[i]&^keep
	}
}

// add sets z = x + y mod N for x, y < N.
func (z *element) add(x, y *element) {
	var carry uint64
	for i := range z {
		z[i], carry = bits.Add64(x[i], y[i], carry)
	}
	z.reduceOnce(carry)
}
