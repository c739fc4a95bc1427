// Package sealedname encodes the name in a sealed sign-in. What is sealed has one length for every user, so that a token's
// length tells no stranger who exists.
package sealedname

import (
	"encoding/binary"
	"fmt"
)

// Max is the longest name, in bytes: more than any username, address or phone number has. A name that nobody has travels
// in the sealed state, which has a length of its own.
const Max = 512

// size is a byte that marks a decoy, two for the length, and room for the longest name.
const size = 1 + 2 + Max

// Encode returns the form of a name, and of whether it stands for nobody.
func Encode(name string, decoy bool) ([]byte, error) {
	if len(name) > Max {
		return nil, fmt.Errorf("signin: a name of %d bytes", len(name))
	}
	b := make([]byte, size)
	if decoy {
		b[0] = 1
	}
	binary.BigEndian.PutUint16(b[1:], uint16(len(name)))
	copy(b[3:], name)
	return b, nil
}

// Decode reads what Encode returned.
func Decode(b []byte) (name string, decoy, ok bool) {
	if len(b) != size {
		return "", false, false
	}
	length := int(binary.BigEndian.Uint16(b[1:]))
	if length > Max {
		return "", false, false
	}
	return string(b[3 : 3+length]), b[0] == 1, true
}
