// Package awsjson reads and writes the bodies of AWS JSON 1.1 for the generated
// code of the services: a strict reader that collects constraint violations as
// AWS words them, and functions that append values.
//
// Strict means: names are case-sensitive, a name occurs once in its object, text is valid
// UTF-8 without lone surrogates, numbers are in range, nothing follows the body, and the depth
// is limited. Every other body is a SerializationException. Unknown members are skipped, and
// null is the same as absent, as in the real service. U+0000 is rejected, too, because
// PostgreSQL cannot store it in text.
//
// It uses no reflection and knows no shape.
package awsjson
