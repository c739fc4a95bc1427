// Package race makes calls at the same time, for tests, and counts their answers.
// It may import package api.
package race

import (
	"sync"

	"cognate/internal/api"
)

// AtOnce makes n calls at the same time and returns their errors.
func AtOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// Codes returns how many of the errors have each code; "" is success.
func Codes(errs []error) map[string]int {
	m := map[string]int{}
	for _, err := range errs {
		code := api.CodeOf(err)
		if err != nil && code == "" {
			code = err.Error()
		}
		m[code]++
	}
	return m
}
