package user

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/services"
)

// crowd fills a pool with users who share values, prefixes and states.
func crowd(t *testing.T, r *rig, sn *pool.Snapshot) []*User {
	t.Helper()
	statuses := []idp.UserStatusType{
		idp.UserStatusTypeConfirmed, idp.UserStatusTypeUnconfirmed, idp.UserStatusTypeResetRequired,
		idp.UserStatusTypeForceChangePassword, idp.UserStatusTypeConfirmed,
	}
	values := []string{"a", "ab", "abc", "b", "B", "Ä", "\U0010ffff", "\U0010ffffx", `q"uo\te`, "z z", "!", "\ud7ff"}
	var users []*User
	for i := range 24 {
		attrs := map[string]string{"email": fmt.Sprintf("u%d@example.com", i/3)}
		v := values[i%len(values)]
		for name, has := range map[string]bool{
			"name": i%2 == 0, "given_name": i%3 == 0, "family_name": i%4 != 0, "preferred_username": i%5 == 0,
		} {
			if has {
				attrs[name] = v
			}
		}
		if i%3 == 1 {
			attrs["phone_number"] = fmt.Sprintf("+1206555%04d", i)
		}
		u := r.have(t, sn, fmt.Sprintf("%s-%d", strings.ReplaceAll(v, " ", "_"), i), statuses[i%len(statuses)], attrs)
		if i%7 == 0 {
			r.change(t, sn, u.ID(), func(u *User) { u.Rec.Enabled = false })
		}
		users = append(users, r.read(t, sn, u.ID()))
	}
	return users
}

// valueOf is what a filter on attr looks at.
func valueOf(u *User, attr string) (string, bool) {
	switch attr {
	case "":
		return "", true
	case "username":
		return u.Username(), true
	case "sub":
		return u.ID(), true
	case "status":
		if u.Rec.Enabled {
			return "Enabled", true
		}
		return "Disabled", true
	case "cognito:user_status":
		return u.Rec.Status, true
	}
	v, ok := u.Attributes[attr]
	return v, ok
}

// chosen is what a filter means, done the plain way.
func chosen(users []*User, f filter) []*User {
	var out []*User
	for _, u := range users {
		v, has := valueOf(u, f.attr)
		want := f.value
		if f.attr == "cognito:user_status" {
			want = strings.ToUpper(want)
		}
		if has && (f.attr == "" || f.op == "=" && v == want || f.op == "^=" && strings.HasPrefix(v, want)) {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *User) int {
		x, _ := valueOf(a, f.attr)
		y, _ := valueOf(b, f.attr)
		return cmp.Compare(x, y)
	})
	return out
}

// pages reads a whole list in pages.
func (r *rig) pages(t *testing.T, in idp.ListUsersRequest) [][]idp.UserType {
	t.Helper()
	var pages [][]idp.UserType
	for range 1000 {
		out, err := r.ListUsers(t.Context(), &in)
		if err != nil {
			t.Fatalf("%v: %v", in.Filter, err)
		}
		pages = append(pages, out.Users)
		if out.PaginationToken == nil {
			return pages
		}
		in.PaginationToken = out.PaginationToken
	}
	t.Fatal("the list does not end")
	return nil
}

// TestListUsersFilters compares every filter on every searchable attribute, read
// in pages of several sizes, with the same choice made the plain way.
func TestListUsersFilters(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		users := crowd(t, r, sn)
		r.have(t, r.poolWith(t, nil), "a-0", idp.UserStatusTypeConfirmed, map[string]string{"name": "a", "email": "u0@example.com"})
		filters := []filter{{}}
		for attr := range searchable {
			values := map[string]bool{"": true, "a": true, "nobody": true, "\U0010ffff": true, "u1": true, "+1206": true, "En": true, "Confirmed": true, "un": true, "\x00": true}
			for _, u := range users {
				if v, ok := valueOf(u, attr); ok {
					values[v] = true
					values[v[:min(len(v), 1)]] = strings.ToValidUTF8(v[:min(len(v), 1)], "") != ""
				}
			}
			for v, use := range values {
				if use {
					filters = append(filters, filter{attr, "=", v}, filter{attr, "^=", v})
				}
			}
		}
		for i, f := range filters {
			text := ""
			if f.attr != "" {
				text = filterText(f, "", " ", " ", "")
			}
			limit := int32([]int{1, 2, 5, 60, 0}[i%5])
			if f.attr == "" {
				limit = 3
			}
			pages := r.pages(t, idp.ListUsersRequest{UserPoolId: sn.ID, Filter: &text, Limit: &limit})
			var got, want []string
			for n, page := range pages {
				if limit != 0 && len(page) > int(limit) || n > 0 && len(page) == 0 {
					t.Errorf("%s: a page of %d users, limit %d", text, len(page), limit)
				}
				for _, u := range page {
					got = append(got, *u.Username)
				}
			}
			order := map[string]string{}
			for _, u := range chosen(users, f) {
				want = append(want, u.Username())
				order[u.Username()], _ = valueOf(u, f.attr)
			}
			if !slices.IsSortedFunc(got, func(a, b string) int { return cmp.Compare(order[a], order[b]) }) {
				t.Errorf("%s: not sorted: %q", text, got)
			}
			slices.Sort(got)
			slices.Sort(want)
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s, limit %d: (-want +got)\n%s", text, limit, d)
			}
		}
	})
}

func TestListUsersRequests(t *testing.T) {
	t.Parallel()
	const sayPage = "InvalidParameterException: Invalid pagination token provided"
	engines(t, func(t *testing.T, r *rig) {
		sn, foreign := r.poolWith(t, services.CustomAttributes), r.poolWith(t, nil)
		for i := range 3 {
			r.have(t, sn, fmt.Sprint("user", i), idp.UserStatusTypeConfirmed, map[string]string{"email": "a@example.com", "name": "A", "custom:plan": "gold"})
			r.have(t, foreign, fmt.Sprint("user", i), idp.UserStatusTypeConfirmed, map[string]string{"name": "A"})
		}
		token := func(in idp.ListUsersRequest) *string {
			in.Limit = new(int32(1))
			out, err := r.ListUsers(t.Context(), &in)
			if err != nil || out.PaginationToken == nil {
				t.Fatalf("no token: %+v, %v", out, err)
			}
			return out.PaginationToken
		}
		all := token(idp.ListUsersRequest{UserPoolId: sn.ID})
		byName := token(idp.ListUsersRequest{UserPoolId: sn.ID, Filter: new(`name = "A"`)})
		groups := r.NextPage("ListGroups", []string{sn.ID}, []byte("x"))
		rows := []struct {
			name string
			in   idp.ListUsersRequest
			want string
		}{
			{name: "token again", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: all}},
			{name: "token with another limit", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: all, Limit: new(int32(2))}},
			{name: "token with the same filter, spaced otherwise", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: byName, Filter: new(`name="A"`)}},
			{name: "token of another pool", in: idp.ListUsersRequest{UserPoolId: foreign.ID, PaginationToken: all}, want: sayPage},
			{name: "token of another filter", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: byName, Filter: new(`name = "B"`)}, want: sayPage},
			{name: "token of another operator", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: byName, Filter: new(`name ^= "A"`)}, want: sayPage},
			{name: "token of a filter without it", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: byName}, want: sayPage},
			{name: "token without a filter, with one", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: all, Filter: new(`name = "A"`)}, want: sayPage},
			{name: "token of other attributes", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: all, AttributesToGet: []string{"name"}}, want: sayPage},
			{name: "token of another operation", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: groups}, want: sayPage},
			{name: "damaged token", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: new("A" + (*all)[1:] + "A")}, want: sayPage},
			{name: "forged token", in: idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: new("x")}, want: sayPage},
			{name: "bad filter", in: idp.ListUsersRequest{UserPoolId: sn.ID, Filter: new("name")}, want: sayBadFilter},
			{name: "unknown attribute to get", in: idp.ListUsersRequest{UserPoolId: sn.ID, AttributesToGet: []string{"name", "shoe_size"}},
				want: "InvalidParameterException: One or more requested attributes do not exist."},
			{name: "unknown pool", in: idp.ListUsersRequest{UserPoolId: "us-east-1_000000000"},
				want: "ResourceNotFoundException: User pool us-east-1_000000000 does not exist."},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				_, err := r.ListUsers(t.Context(), &row.in)
				wantShown(t, err, row.want)
			})
		}
		shows := []struct {
			name string
			get  []string
			want []string
		}{
			{name: "everything", want: []string{"sub", "custom:plan", "email", "name"}},
			{name: "some", get: []string{"name", "sub"}, want: []string{"sub", "name"}},
			{name: "not sub", get: []string{"custom:plan"}, want: []string{"custom:plan"}},
			{name: "what nobody has", get: []string{"birthdate"}},
			{name: "nothing", get: []string{}},
		}
		for _, row := range shows {
			t.Run(row.name, func(t *testing.T) {
				out, err := r.ListUsers(t.Context(), &idp.ListUsersRequest{UserPoolId: sn.ID, AttributesToGet: row.get})
				if err != nil || len(out.Users) != 3 {
					t.Fatalf("%+v, %v", out, err)
				}
				var got []string
				for _, a := range out.Users[0].Attributes {
					got = append(got, a.Name)
				}
				if d := gocmp.Diff(row.want, got); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
			})
		}
		t.Run("token after its hour", func(t *testing.T) {
			r.Clock.Pass(time.Hour)
			_, err := r.ListUsers(t.Context(), &idp.ListUsersRequest{UserPoolId: sn.ID, PaginationToken: all})
			wantShown(t, err, sayPage)
		})
	})
}

// wantShown compares what the caller sees of an error, without its cause.
func wantShown(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if e, ok := errors.AsType[*api.Error](err); ok {
		got = e.Code + ": " + e.Message
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestListUsersWhileTheyChange holds that a page begins after the last user of
// the one before, whether that user is still there or not.
func TestListUsersWhileTheyChange(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		for _, name := range []string{"a", "b", "c", "d"} {
			r.have(t, sn, name, idp.UserStatusTypeConfirmed, map[string]string{"name": name})
		}
		in := idp.ListUsersRequest{UserPoolId: sn.ID, Filter: new(`name ^= ""`), Limit: new(int32(2))}
		first, err := r.ListUsers(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		for _, gone := range []string{"b", "c"} {
			if err := r.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserRequest{UserPoolId: sn.ID, Username: gone}); err != nil {
				t.Fatal(err)
			}
		}
		r.have(t, sn, "bb", idp.UserStatusTypeConfirmed, map[string]string{"name": "bb"})
		in.PaginationToken = first.PaginationToken
		second, err := r.ListUsers(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range append(first.Users, second.Users...) {
			got = append(got, *u.Username)
		}
		if d := gocmp.Diff([]string{"a", "b", "bb", "d"}, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		if second.PaginationToken != nil {
			t.Error("the last page has a token")
		}
	})
}
