// Package drain stops HTTP servers without the loss of a connection or a request.
package drain
