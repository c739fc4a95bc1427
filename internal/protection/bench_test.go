package protection_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/risksettings"
	"cognate/internal/protection"
	"cognate/internal/store"
	"cognate/test/fresh"
	"cognate/test/people"
	"cognate/test/pgtest"
)

// BenchmarkEvents records the sign-ins of concurrent users, each with an event and what it teaches. It reports the events of
// a second, and fails if one is lost. For a minute of 10,000 sign-ins a second:
//
//	go test -run '^$' -bench Events/postgres -benchtime 600000x ./internal/protection
func BenchmarkEvents(b *testing.B) {
	for name, options := range map[string]func(testing.TB) store.Options{
		"sqlite":   fresh.SQLite,
		"postgres": func(t testing.TB) store.Options { return store.Options{URL: pgtest.Database(t)} },
	} {
		b.Run(name, func(b *testing.B) {
			p := people.New(b, options(b))
			engine := protection.New(protection.Deps{
				Store: p.Store, Settings: risksettings.New(risksettings.Deps{Store: p.Store, Pools: p.Pools}), Ring: p.Ring, Now: p.Now,
			})
			defer func() { _ = engine.Close(context.Background()) }()
			sn := p.Pool(b, func(in *idp.CreateUserPoolRequest) {
				in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeAudit}
			})
			client := p.Client(b, sn)
			const users = 1000
			ids := make([]string, users)
			for i := range ids {
				ids[i] = p.User(b, sn, fmt.Sprint("user", i)).ID()
			}
			signIn := func(i int) error {
				e, err := engine.Evaluate(b.Context(), &protection.SignIn{
					Pool: sn, Client: client, EventID: keys.NewTimeUUID(p.Now()), UserID: ids[i%users],
					Source: protection.Source{Address: fmt.Sprintf("192.0.%d.%d", i%4, i%250), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"},
				})
				if err != nil {
					return err
				}
				if err := e.Pass(b.Context(), false); err != nil {
					return err
				}
				return engine.Record(b.Context(), e)
			}
			next := make(chan int)
			var wg sync.WaitGroup
			for range 512 {
				wg.Go(func() {
					for i := range next {
						if err := signIn(i); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				next <- n
				n++
			}
			close(next)
			wg.Wait()
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
			b.StopTimer()
			stored, err := countEvents(b.Context(), p.Store, sn.ID, ids)
			if err != nil || stored != n {
				b.Errorf("%d of %d events are stored, %v", stored, n, err)
			}
		})
	}
}

// countEvents counts the events of users.
func countEvents(ctx context.Context, st *store.Store, pool string, users []string) (n int, err error) {
	for _, id := range users {
		after := ""
		for {
			list, err := st.AuthEvents(ctx, pool, id, after, 1000)
			if err != nil {
				return n, err
			}
			n += len(list)
			if len(list) < 1000 {
				break
			}
			after = list[len(list)-1].ID
		}
	}
	return n, nil
}
