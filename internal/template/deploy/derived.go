package deploy

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// A seedling is a hash from which the random part of a name is derived.
type seedling [sha256.Size]byte

// derived returns the seedling of the nth choice of a resource's name. It depends only on the stack, the
// path, the type and the number of replacements. So a new database gets the same names.
func (p *plan) derived(it *item, n int) seedling {
	return sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d\x00%d", p.options.StackName, it.Path, it.Type, it.generation, n))
}

// in returns a text with letters of the alphabet.
func (d seedling) in(alphabet string, length int) string {
	n, base, digit := new(big.Int).SetBytes(d[:]), big.NewInt(int64(len(alphabet))), new(big.Int)
	var b strings.Builder
	for range length {
		n.DivMod(n, base, digit)
		b.WriteByte(alphabet[digit.Int64()])
	}
	return b.String()
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func (d seedling) letters(length int) string { return d.in(digits+upper+lower, length) }
func (d seedling) upper(length int) string   { return d.in(upper+digits, length) }
func (d seedling) base32(length int) string  { return d.in(digits+lower[:22], length) }

// uuid returns a UUID of version 4.
func (d seedling) uuid() string {
	d[6], d[8] = d[6]&0x0f|0x40, d[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", d[:4], d[4:6], d[6:8], d[8:10], d[10:16])
}

// notName matches characters that names of roles and functions cannot have.
var notName = regexp.MustCompile(`[^A-Za-z0-9-]+`)

// name returns the name of a resource that the template leaves without one: as in CloudFormation, the
// stack, the logical id and random letters.
func (p *plan) name(it *item, longest int) string {
	suffix := "-" + p.derived(it, 0).in(upper+digits, 12)
	base := notName.ReplaceAllString(p.options.StackName+"-"+it.Path, "-")
	return base[:min(len(base), longest-len(suffix))] + suffix
}

// maxChoices is how many derived ids are tried.
const maxChoices = 100

// unused returns the first derived id that is not taken.
func (p *plan) unused(it *item, choose func(n int) string, taken func(id string) (bool, error)) string {
	if it.broken { // Values that taken needs may be missing.
		return choose(0)
	}
	for n := range maxChoices {
		id := choose(n)
		is, err := taken(id)
		if err != nil {
			p.failed = err
			return id
		}
		if !is {
			return id
		}
	}
	return choose(maxChoices)
}
