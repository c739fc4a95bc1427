package branding

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Namespaces of what an SVG image may have.
const (
	svgSpace   = "http://www.w3.org/2000/svg"
	xlinkSpace = "http://www.w3.org/1999/xlink"
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
)

// svgElements are the elements that an SVG image may have: shapes, text, paint and filters. Not among them are those
// that run or load something: script, foreignObject, a, image, feImage, animations.
var svgElements = wordSet(`svg g defs symbol use switch title desc metadata style
	path rect circle ellipse line polyline polygon text tspan textPath
	linearGradient radialGradient stop clipPath mask pattern marker filter
	feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow
	feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting
	feSpotLight feTile feTurbulence`)

// svgAttributes are the attributes that an SVG image may have (SVG 2, Appendix K, without events and animation).
var svgAttributes = wordSet(`id class style lang tabindex role version baseProfile width height x y x1 y1 x2 y2 dx dy cx cy r rx ry fx fy fr
	d points pathLength viewBox preserveAspectRatio transform gradientTransform patternTransform gradientUnits patternUnits
	patternContentUnits spreadMethod offset clipPathUnits maskUnits maskContentUnits markerWidth markerHeight markerUnits refX refY orient
	textLength lengthAdjust rotate startOffset method spacing side systemLanguage requiredExtensions requiredFeatures media type href
	filterUnits primitiveUnits in in2 result mode values operator k1 k2 k3 k4 order kernelMatrix divisor bias targetX targetY edgeMode
	kernelUnitLength preserveAlpha surfaceScale diffuseConstant specularConstant specularExponent limitingConeAngle scale xChannelSelector
	yChannelSelector azimuth elevation z pointsAtX pointsAtY pointsAtZ stdDeviation radius baseFrequency numOctaves seed stitchTiles
	tableValues slope intercept amplitude exponent
	alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation color-interpolation-filters color-rendering cursor
	direction display dominant-baseline enable-background fill fill-opacity fill-rule filter flood-color flood-opacity font font-family
	font-kerning font-size font-size-adjust font-stretch font-style font-variant font-weight glyph-orientation-horizontal
	glyph-orientation-vertical image-rendering isolation letter-spacing lighting-color marker marker-end marker-mid marker-start mask
	mask-type mix-blend-mode opacity overflow paint-order pointer-events shape-rendering stop-color stop-opacity stroke stroke-dasharray
	stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration text-overflow
	text-rendering transform-origin unicode-bidi vector-effect visibility white-space word-spacing writing-mode`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

const maxSVGDepth = 100

// checkSVG rejects a file that is not a well-formed SVG image, or that has anything but the elements and attributes of
// the lists. Its references stay inside of the image.
func checkSVG(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	c := svgCheck{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return c.end()
		}
		if err != nil {
			return errors.New("it is not well-formed XML")
		}
		if err := c.token(token); err != nil {
			return err
		}
	}
}

// svgCheck is where the check of an image is.
type svgCheck struct {
	open  []string // the elements that are open
	roots int
	style strings.Builder // the text of the open style
}

func (c *svgCheck) end() error {
	if c.roots != 1 {
		return errors.New("it has no svg element")
	}
	return nil
}

func (c *svgCheck) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return c.start(t)
	case xml.EndElement:
		return c.endElement()
	case xml.CharData:
		return c.text(string(t))
	case xml.ProcInst:
		if t.Target != "xml" || len(c.open) > 0 {
			return errors.New("processing instructions are not allowed")
		}
	case xml.Directive:
		return errors.New("a document type is not allowed")
	case xml.Comment:
		if c.inStyle() {
			return errStyleText
		}
	}
	return nil
}

// errStyleText refuses what could divide the text of a style, so that no check sees the whole of it.
var errStyleText = errors.New("the element style must have text only")

func (c *svgCheck) inStyle() bool { return len(c.open) > 0 && c.open[len(c.open)-1] == "style" }

func (c *svgCheck) start(e xml.StartElement) error {
	name := e.Name.Local
	switch {
	case len(c.open) == 0 && (c.roots > 0 || name != "svg"):
		return errors.New("it must be one svg element")
	case c.inStyle():
		return errStyleText
	case len(c.open) == maxSVGDepth:
		return fmt.Errorf("its elements must not be nested deeper than %d", maxSVGDepth)
	case e.Name.Space != svgSpace || !svgElements[name]:
		return fmt.Errorf("the element %q is not allowed", name)
	}
	if len(c.open) == 0 {
		c.roots++
	}
	c.open = append(c.open, name)
	for _, a := range e.Attr {
		if err := checkSVGAttribute(a); err != nil {
			return err
		}
	}
	return nil
}

// endElement checks the text of a style at its end: CDATA sections can divide it.
func (c *svgCheck) endElement() error {
	style := c.inStyle()
	c.open = c.open[:len(c.open)-1]
	if !style {
		return nil
	}
	text := c.style.String()
	c.style.Reset()
	return checkSVGStyle("the element style", text)
}

func (c *svgCheck) text(s string) error {
	if len(c.open) == 0 {
		if strings.TrimSpace(s) != "" {
			return errors.New("it has text outside of the svg element")
		}
		return nil
	}
	if c.inStyle() {
		c.style.WriteString(s)
	}
	return nil
}

func checkSVGAttribute(a xml.Attr) error {
	name := a.Name.Local
	refused := fmt.Errorf("the attribute %q is not allowed", name)
	switch a.Name.Space {
	case "xmlns":
		return nil // It declares a prefix.
	case xmlSpace:
		if name == "base" {
			return refused
		}
		return nil
	case xlinkSpace:
		if name != "href" {
			return nil // titles and roles, which load nothing
		}
	case "":
		if name == "xmlns" {
			return nil
		}
		if !svgAttributes[name] && !strings.HasPrefix(name, "data-") && !strings.HasPrefix(name, "aria-") {
			return refused
		}
	default:
		return refused
	}
	if name == "href" {
		if !strings.HasPrefix(a.Value, "#") {
			return errors.New("href must refer to the image itself")
		}
		return nil
	}
	return checkSVGStyle(fmt.Sprintf("the attribute %q", name), a.Value)
}

// checkSVGStyle rejects CSS that could load something. url() may refer to the image itself. Escapes could hide a name.
func checkSVGStyle(where, css string) error {
	lower := strings.ToLower(css)
	for _, bad := range []string{"\\", "@import", "@namespace", "@font-face", "javascript:", "expression(", "image-set(", "image(", "src("} {
		if strings.Contains(lower, bad) {
			return fmt.Errorf("%s must not have %q", where, bad)
		}
	}
	for rest := lower; ; {
		i := strings.Index(rest, "url(")
		if i < 0 {
			return nil
		}
		rest = rest[i+len("url("):]
		if !strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n'\""), "#") {
			return fmt.Errorf("%s may refer by url() to the image itself only", where)
		}
	}
}
