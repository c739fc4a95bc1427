// Package cache keeps values that are loaded by id, such as the settings of user pools and
// app clients, for at most a second. It knows nothing of the values. A load returns
// store.ErrNotFound for an id without a value.
package cache
