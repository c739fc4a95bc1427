package scim_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/test/race"
	"cognate/test/serving"
)

// TestTokens: only a valid token of the pool is accepted, and nothing tells the others apart.
func TestTokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		second := r.directory(t, "Corp")
		short := r.directory(t, "Corp", "--expires", "1ns")
		d.user("anna")
		if got := second.found("/Users", `userName eq "anna"`); len(got) != 1 {
			t.Error("the second token sees another directory")
		}
		other, err := r.sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: new("other")})
		elsewhere := *serving.Must(t, other, err).UserPool.Id
		wrong := strings.Repeat("A", 26)
		bodies := map[string]bool{}
		for _, row := range []struct{ name, pool, header string }{
			{"no token", r.pool, ""},
			{"another scheme", r.pool, "Basic " + d.token},
			{"wrong token", r.pool, "Bearer cognate_scim_" + wrong},
			{"something else", r.pool, "Bearer x"},
			{"cut token", r.pool, "Bearer " + d.token[:len(d.token)-1]},
			{"expired token", r.pool, "Bearer " + short.token},
			{"token of another pool", elsewhere, "Bearer " + d.token},
			{"unknown pool", "us-east-1_000000000", "Bearer " + d.token},
			{"malformed pool", "x", "Bearer " + d.token},
		} {
			caller := &directory{t: t, base: r.URL() + "/scim/v2/" + row.pool}
			for _, path := range []string{"/Users", "/ServiceProviderConfig"} {
				got := caller.do("GET", path, nil, "Authorization: "+row.header)
				if bodies[got.text] = true; got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != `Bearer realm="scim"` {
					t.Errorf("%s: %d %v %s", row.name, got.status, got.header, got.text)
				}
			}
		}
		if len(bodies) != 1 {
			t.Errorf("the answers differ: %v", bodies)
		}
		if strings.Contains(r.Log.String(), d.token) {
			t.Error("the token is in the log")
		}

		// A revoked token stops to work; the other one goes on.
		list := r.command(t, "list")
		if !strings.Contains(list, "Corp") || !strings.Contains(list, "expires 20") || strings.Contains(list, d.token) {
			t.Errorf("%s", list)
		}
		id := list[strings.LastIndex(list, "  ")+2:]
		// The secret in place of the id is neither printed nor logged.
		_, printed, stderr := serving.Command(t, nil, r.SCIM(r.pool, "revoke", d.token)...)
		if strings.Contains(printed+stderr+r.Log.String(), d.token) || !strings.Contains(r.Log.String()+stderr, "malformed") {
			t.Errorf("%s%s", printed, stderr)
		}
		r.command(t, "revoke", strings.Fields(id)[0])
		d.wantError(d.do("GET", "/Users", nil), http.StatusUnauthorized, "")
		second.want(second.do("GET", "/Users", nil), http.StatusOK)

		// So does every token when the directory or the provider goes. The users stay.
		r.command(t, "remove", "--provider", "Corp")
		second.wantError(second.do("GET", "/Users", nil), http.StatusUnauthorized, "")
		third := r.directory(t, "Corp")
		if got := third.found("/Users", "userName pr"); len(got) != 0 {
			t.Errorf("a new directory has %v", got)
		}
		_, err = r.sdk.DeleteIdentityProvider(t.Context(), &cip.DeleteIdentityProviderInput{UserPoolId: &r.pool, ProviderName: new("Corp")})
		serving.Want(t, err, "")
		third.wantError(third.do("GET", "/Users", nil), http.StatusUnauthorized, "")
		out, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: new("Corp_anna")})
		if serving.Must(t, out, err); !out.Enabled {
			t.Error("the user is disabled")
		}
	})
}

// TestRefusedCommands: the command says what is wrong.
func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.directory(t, "Other").user("anna")
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown provider", []string{"create", "--provider", "None"}, "Identity provider None does not exist"},
		{"unknown subject", []string{"create", "--provider", "Corp", "--subject", "email"}, "the subject must be userName or externalId"},
		{"another subject", []string{"create", "--provider", "Other", "--subject", "externalId"}, "the subject of a directory that has users cannot change"},
		{"unknown attribute", []string{"create", "--provider", "Corp", "--map", "custom:none=title"}, `the pool has no attribute "custom:none"`},
		{"unknown path", []string{"create", "--provider", "Corp", "--map", "nickname=nothing"}, `users of SCIM have no attribute "nothing"`},
		{"attribute of the server", []string{"create", "--provider", "Corp", "--map", "email_verified=title"}, `a directory cannot set the attribute "email_verified"`},
		{"past", []string{"create", "--provider", "Corp", "--expires=-1h"}, "must not be negative"},
		{"unknown token", []string{"revoke", "none"}, "the pool has no token of this id"},
		{"no directory", []string{"remove", "--provider", "Corp"}, `the provider "Corp" has no directory`},
	} {
		code, _, stderr := serving.Command(t, nil, r.SCIM(r.pool, row.args...)...)
		if code == 0 || !strings.Contains(stderr, row.want) {
			t.Errorf("%s: exit %d, %q, want %q", row.name, code, stderr, row.want)
		}
	}
	for range 9 {
		r.directory(t, "Other")
	}
	if code, _, stderr := serving.Command(t, nil, r.SCIM(r.pool, "create", "--provider", "Other")...); code == 0 || !strings.Contains(stderr, "10 tokens") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// TestDirectoriesAreApart: a directory neither sees nor changes what another one has made.
func TestDirectoriesAreApart(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		corp, other := r.directory(t, "Corp"), r.directory(t, "Other")
		theirs := corp.user("anna")
		group := corp.group("Sales", theirs)
		mine := other.user("anna") // The name is free in each directory.
		for _, path := range []string{"/Users/" + theirs, "/Groups/" + group} {
			for _, row := range []struct {
				method string
				body   any
			}{{"GET", nil}, {"DELETE", nil}, {"PATCH", patch(map[string]any{"op": "replace", "path": "displayName", "value": "x"})}} {
				other.wantError(other.do(row.method, path, row.body), http.StatusNotFound, "")
			}
		}
		other.wantError(other.do("POST", "/Groups", groupDocument("Mine", theirs)), http.StatusBadRequest, "invalidValue")
		other.wantError(other.do("POST", "/Groups", groupDocument("sales", mine)), http.StatusConflict, "uniqueness")
		if got := other.found("/Users", `userName eq "anna"`); !slices.Equal(got, []string{mine}) {
			t.Errorf("found %v, want %s", got, mine)
		}
		if got := other.found("/Groups", `displayName eq "Sales"`); len(got) != 0 {
			t.Errorf("found %v", got)
		}
	})
}

// TestRaces: of the same user made at once there is one, and changes at once are all made.
func TestRaces(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		const racers = 8
		statuses := make([]int, racers)
		for i, err := range race.AtOnce(racers, func(i int) error {
			out, err := d.try("POST", "/Users", map[string]any{"schemas": []string{userSchema}, "userName": "anna"})
			statuses[i] = out.status
			return err
		}) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		slices.Sort(statuses)
		if statuses[0] != http.StatusCreated || statuses[1] != http.StatusConflict || statuses[racers-1] != http.StatusConflict {
			t.Errorf("statuses %v", statuses)
		}
		var ids []string
		for _, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i"} {
			ids = append(ids, d.user(name))
		}
		group := d.group("All")
		for i, err := range race.AtOnce(racers, func(i int) error {
			out, err := d.try("PATCH", "/Groups/"+group, patch(map[string]any{"op": "add", "path": "members", "value": []any{map[string]any{"value": ids[i]}}}))
			if err == nil && out.status != http.StatusOK {
				err = errors.New(out.text)
			}
			return err
		}) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if got := len(r.membersOf(t, "All")); got != racers {
			t.Errorf("%d members, want %d", got, racers)
		}
	})
}
