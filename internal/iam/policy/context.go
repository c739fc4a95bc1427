package policy

import (
	"iter"
	"slices"
	"strings"
)

// A Context holds the condition keys of a request and their values. Keys compare
// without case. A key that was not set, or was set to no value, is absent; a key with
// the value "" is present. The zero Context is empty and ready to use.
//
// A Context must not change while it is evaluated. Copies share their entries.
type Context struct {
	entries []entry // sorted by the key's length, then by the key
}

type entry struct {
	key    string // in lower case
	name   string // as it was set
	values []string
}

// search returns the place of a key in lower case. Most keys begin with "aws:", so that
// comparing lengths first is faster.
func (c *Context) search(key string) (int, bool) {
	low, high := 0, len(c.entries)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if k := c.entries[middle].key; len(k) < len(key) || len(k) == len(key) && k < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(c.entries) && c.entries[low].key == key
}

// Set replaces the values of a key. Several values make the key multivalued.
func (c *Context) Set(key string, values ...string) {
	lower := strings.ToLower(key)
	i, found := c.search(lower)
	if !found {
		c.entries = slices.Insert(c.entries, i, entry{key: lower})
	}
	c.entries[i].name, c.entries[i].values = key, values
}

// Add adds values to a key.
func (c *Context) Add(key string, values ...string) {
	old := c.Get(key)
	c.Set(key, append(slices.Clip(old), values...)...)
}

// Get returns the values of a key.
func (c *Context) Get(key string) []string { return c.lookup(strings.ToLower(key)) }

// lookup returns the values of a key in lower case.
func (c *Context) lookup(key string) []string {
	if i, found := c.search(key); found {
		return c.entries[i].values
	}
	return nil
}

// All iterates over the keys, as they were set, and their values. Keys without values
// are left out. The order depends only on the keys.
func (c *Context) All() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, e := range c.entries {
			if len(e.values) > 0 && !yield(e.name, e.values) {
				return
			}
		}
	}
}
