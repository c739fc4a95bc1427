// Package storetest is the suite that every engine of package store must pass. It may use the store's exported methods
// only.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/store"
)

// Now is the time that a store under test should be opened with.
var Now = time.Date(2026, 3, 4, 5, 6, 7, int(8*time.Millisecond), time.UTC)

const racers = 32

// Run runs the suite. open answers an empty, migrated store, which it closes at the end of the test.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *store.Store)
	}{
		{"pools", testPools},
		{"each pool", testEachPool},
		{"clients", testClients},
		{"items", testItems},
		{"items and images of clients", testClientItems},
		{"domains", testDomains},
		{"access keys", testAccessKeys},
		{"iam entities", testIAMEntities},
		{"data keys", testDataKeys},
		{"signing keys", testSigningKeys},
		{"meta", testMeta},
		{"rate reports", testRateReports},
		{"users", testUsers},
		{"user attributes of any length", testLongAttributes},
		{"names", testNames},
		{"lookup precedence", testLookup},
		{"user for token", testUserForToken},
		{"groups", testGroups},
		{"codes", testCodes},
		{"counters", testCounters},
		{"lockouts", testLockouts},
		{"messages", testMessages},
		{"message turns", testMessageTurns},
		{"message turns with many waiting", testMessageTurnsWithManyWaiting},
		{"messages held", testMessageHeld},
		{"single use", testSingleUse},
		{"families", testFamilies},
		{"passkeys", testPasskeys},
		{"passkey challenges", testPasskeyChallenges},
		{"passkeys go with their user", testPasskeysGo},
		{"identities", testIdentities},
		{"identity pools", testIdentityPools},
		{"identities of identity pools", testPoolIdentities},
		{"directories", testDirectories},
		{"directory resources", testResources},
		{"directory resources go with what they stand for", testResourcesGo},
		{"directory resource races", testResourceRaces},
		{"import jobs", testImportJobs},
		{"files of imports", testImportFiles},
		{"sign-in states", testSignInStates},
		{"auth events", testAuthEvents},
		{"sign-in histories", testSignInHistories},
		{"log records", testLogRecords},
		{"templates", testTemplates},
		{"devices", testDevices},
		{"devices go with their user", testDevicesGo},
		{"user sessions", testUserSessions},
		{"user sessions go with their user", testUserSessionsGo},
		{"user session races", testUserSessionRaces},
		{"text", testText},
		{"collation", testCollation},
		{"filters", testFilters},
		{"paging under inserts", testPagingUnderInserts},
		{"estimate", testEstimate},
		{"bulk", testBulk},
		{"delete pool", testDeletePool},
		{"reuse id", testReuseID},
		{"sweep", testSweep},
		{"rollback", testRollback},
		{"commit with an answer", testCommitWith},
		{"retry", testRetry},
		{"neighbours", testNeighbours},
		{"cancelled", testCancelled},
		{"panic", testPanic},
		{"insert races", testInsertRaces},
		{"name races", testNameRaces},
		{"update races", testUpdateRaces},
		{"counter races", testCounterRaces},
		{"hot row", testHotRow},
		{"spend races", testSpendRaces},
		{"rotate races", testRotateRaces},
		{"claim races", testClaimRaces},
		{"snapshot", testSnapshot},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

func update(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// refused runs a transaction that must fail so.
func refused(t *testing.T, s *store.Store, want error, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); !errors.Is(err, want) {
		t.Errorf("Update answered %v, want %v", err, want)
	}
}

func existing(t *testing.T, s *store.Store, what string, fn func(tx *store.Tx) error) {
	t.Helper()
	err := s.Update(t.Context(), fn)
	var exists *store.ExistsError
	if !errors.As(err, &exists) || exists.What != what || !errors.Is(err, store.ErrExists) {
		t.Errorf("Update answered %v, want an ExistsError of %q", err, what)
	}
}

// same compares what a read answered.
func same[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func missing[T any](t *testing.T, _ T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("answered %v, want ErrNotFound", err)
	}
}

// race runs fn as often at once and answers the errors.
func race(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWinner checks that one succeeded and the others lost as they should.
func oneWinner(t *testing.T, errs []error, lost error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			t.Errorf("a loser got %v, want %v", err, lost)
		}
	}
	if won != 1 {
		t.Errorf("%d won, want 1", won)
	}
}

// userID is as random ids look, ordered by i.
func userID(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i) }

func newUser(pool string, i int) store.User {
	return store.User{
		PoolID: pool, ID: userID(i), Username: fmt.Sprintf("User%d", i), UsernameKey: fmt.Sprintf("user%d", i),
		Status: "CONFIRMED", Enabled: true, Version: 1, CreatedAt: Now, ModifiedAt: Now,
		Profile: []byte(`{"a":1}`), Credential: []byte{1, 2, 3},
	}
}

// calledUser is a user of pool "p" whose id is the name.
func calledUser(name string) store.User {
	return store.User{PoolID: "p", ID: name, Username: name, UsernameKey: name, Status: "CONFIRMED", CreatedAt: Now, Profile: []byte("{}")}
}

func insertUser(ctx context.Context, s *store.Store, u store.User, names ...store.Name) error {
	return s.Update(ctx, func(tx *store.Tx) error { return tx.InsertUser(ctx, u, names) })
}

func addUsers(t *testing.T, s *store.Store, users ...store.User) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		for _, u := range users {
			if err := tx.InsertUser(t.Context(), u, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
