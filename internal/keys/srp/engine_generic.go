//go:build !amd64 || purego

package srp

// The seam of this package: every exponentiation above is made of these two
// operations on numbers in Montgomery's form. A faster kernel takes their place
// here and must agree with mulGeneric (see TestKernel).

func mul(z, x, y *element) { mulGeneric(z, x, y) }

func square(z, x *element) { mulGeneric(z, x, x) }
