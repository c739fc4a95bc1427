// Package functions holds unmodified Lambda handlers in Node.js, Python and Go,
// which the tests run through each transport. They are also examples.
package functions
