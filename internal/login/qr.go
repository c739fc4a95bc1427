package login

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// quietZone is the border of a QR code in modules (ISO/IEC 18004).
const quietZone = 4

// qrCode draws text as a QR code, in an SVG element with a label for screen readers. It
// is drawn here, so that the text goes to no other service.
func qrCode(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("login: QR code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			start := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quietZone, y+quietZone, x-start, x-start)
			}
		}
	}
	size := code.Size + 2*quietZone
	return template.HTML(fmt.Sprintf( //nolint:gosec // the label is escaped, the rest is numbers
		`<svg viewBox="0 0 %d %d" fill="#000716" shape-rendering="crispEdges" role="img" aria-label="%s"><path d="%s"/></svg>`,
		size, size, template.HTMLEscapeString(label), path.String())), nil
}
