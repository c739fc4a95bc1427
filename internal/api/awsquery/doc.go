// Package awsquery reads and writes the bodies of AWS's Query protocol for the generated code
// of its services: a strict reader of forms, and functions that append XML elements.
//
// A form becomes the JSON document with the same members, so that one decoder checks the
// constraints of every protocol. Strict means: a name occurs once, text is valid UTF-8, the
// elements of a list are numbered, and depth and size are limited.
//
// It uses no reflection and knows no shape.
package awsquery
