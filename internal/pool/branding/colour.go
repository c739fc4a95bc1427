package branding

import (
	"encoding/hex"
	"fmt"
	"math"
)

// A colour has red, green, blue and alpha from 0 to 1.
type colour [4]float64

var (
	black = colour{0, 0, 0, 1}
	white = colour{1, 1, 1, 1}
)

// parseColour reads eight hexadecimal digits.
func parseColour(text string) (colour, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 4 {
		return colour{}, false
	}
	var c colour
	for i := range b {
		c[i] = float64(b[i]) / 255
	}
	return c, true
}

// String returns the colour as CSS.
func (c colour) String() string {
	var b [4]byte
	for i := range c {
		b[i] = byte(math.Round(c[i] * 255))
	}
	return fmt.Sprintf("#%x", b)
}

// over returns the colour that is seen where c lies over an opaque colour.
func (c colour) over(under colour) colour {
	for i := range 3 {
		under[i] += (c[i] - under[i]) * c[3]
	}
	return under
}

// luminance returns the relative luminance of an opaque colour (WCAG 2.2, relative luminance).
func (c colour) luminance() float64 {
	var sum float64
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 12.92
		if c[i] > 0.04045 {
			v = math.Pow((c[i]+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// contrast returns the contrast ratio of two opaque colours, from 1 to 21 (WCAG 2.2, contrast ratio).
func contrast(a, b colour) float64 {
	first, second := a.luminance(), b.luminance()
	return (max(first, second) + 0.05) / (min(first, second) + 0.05)
}

// minContrast is the least contrast of text (WCAG 2.2, 1.4.3).
const minContrast = 4.5

// readableOn returns the colour for text on an opaque background: c, or black or white if c has too little contrast.
func (c colour) readableOn(background colour) colour {
	switch {
	case contrast(c.over(background), background) >= minContrast:
		return c
	case contrast(black, background) >= contrast(white, background):
		return black
	}
	return white
}
