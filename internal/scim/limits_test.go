package scim_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/test/serving"
)

// TestPoolGroups: the groups that the pool makes for the users of each provider are not for a
// directory. Else it could make the group of another provider, and rename it when that provider's
// users are in it.
func TestPoolGroups(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		id := d.group("Mine")
		for _, name := range []string{r.pool + "_Other", strings.ToUpper(r.pool) + "_corp", " " + r.pool + "_later"} {
			d.wantError(d.do("POST", "/Groups", groupDocument(name)), http.StatusBadRequest, "invalidValue")
			d.wantError(d.do("PUT", "/Groups/"+id, groupDocument(name)), http.StatusBadRequest, "invalidValue")
			d.wantError(d.do("PATCH", "/Groups/"+id, patch(map[string]any{"op": "replace", "path": "displayName", "value": name})), http.StatusBadRequest, "invalidValue")
		}
	})
}

// TestMemberFilters: filters see all members of a group, and all groups of a user. They do not
// see users of others.
func TestMemberFilters(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d, other := r.directory(t, "Corp"), r.directory(t, "Other")
		a, b, foreign := d.user("a"), d.user("b"), other.user("c")
		both, only, empty := d.group("Both", a, b), d.group("Only", a), d.group("Empty")
		_, err := r.sdk.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &r.pool, GroupName: new("Empty"), Username: new("Other_c")})
		serving.Want(t, err, "")
		for _, tt := range []struct {
			name, endpoint, filter string
			want                   []string
		}{
			{"two members", "/Groups", `members.value eq "` + a + `" and members.value eq "` + b + `"`, []string{both}},
			{"either member", "/Groups", `members.value eq "` + a + `" or members.value eq "` + b + `"`, []string{both, only}},
			{"one and not the other", "/Groups", `members.value eq "` + a + `" and not (members.value eq "` + b + `")`, []string{only}},
			{"not a member", "/Groups", `members.value ne "` + b + `"`, []string{only, empty}},
			{"part of an id", "/Groups", `members.value sw "` + b[:13] + `"`, []string{both}},
			{"any members", "/Groups", `members pr`, []string{both, only}},
			{"no members", "/Groups", `not (members pr)`, []string{empty}},
			{"user of another directory", "/Groups", `members.value eq "` + foreign + `"`, nil},
			{"user of another directory in a group", "/Groups", `id eq "` + empty + `" and members eq "` + foreign + `"`, nil},
			{"group of a user", "/Users", `groups.value eq "` + both + `"`, []string{a, b}},
			{"not in a group", "/Users", `not (groups.display eq "Only")`, []string{b}},
		} {
			got := d.found(tt.endpoint, tt.filter)
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: found %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}

// TestLongKeys: a text by which resources are found must fit into an entry of an index.
func TestLongKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp", "--subject", "externalId", "--map", "email=")
		random := make([]byte, 10_000)
		_, _ = rand.Read(random)
		long := hex.EncodeToString(random)
		id, group := d.user("a", "externalId", "a"), d.group("G")
		user := func(name, externalID, address string) map[string]any {
			return map[string]any{"schemas": []string{userSchema}, "userName": name, "externalId": externalID, "emails": []any{map[string]any{"value": address}}}
		}
		d.wantError(d.do("POST", "/Users", user(long, "b", "")), http.StatusBadRequest, "invalidValue")
		d.wantError(d.do("POST", "/Users", user("b", "b", long)), http.StatusBadRequest, "invalidValue")
		d.wantError(d.do("PUT", "/Users/"+id, user(long, "a", "")), http.StatusBadRequest, "invalidValue")
		d.wantError(d.do("PATCH", "/Groups/"+group, patch(map[string]any{"op": "add", "path": "externalId", "value": long})), http.StatusBadRequest, "invalidValue")
		d.want(d.do("PATCH", "/Groups/"+group, patch(map[string]any{"op": "add", "path": "externalId", "value": long[:2048]})), http.StatusOK)
	})
}

// TestAdministrators: an administrator's decisions about a linked user stand, until the directory
// says otherwise.
func TestAdministrators(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		sub := r.linked(t, "native", "n")
		_, err := r.sdk.AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: &r.pool, Username: new("native")})
		serving.Want(t, err, "")
		d.user("n")
		if _, u := r.of(t, sub); u.Enabled || d.do("GET", "/Users/"+sub, nil).body["active"] != false {
			t.Error("the directory has enabled a user without a word of it")
		}

		// The provider is taken from the user: the directory and its groups lose the user.
		d.group("G", sub)
		r.disableProvider(t, "n")
		d.wantError(d.do("GET", "/Users/"+sub, nil), http.StatusNotFound, "")
		d.wantError(d.do("POST", "/Groups", groupDocument("H", sub)), http.StatusBadRequest, "invalidValue")
		if got := r.membersOf(t, "G"); len(got) > 0 {
			t.Errorf("members %v", got)
		}
		if id := d.user("n"); id == sub {
			t.Error("the directory has got the user again")
		}
		// The profile of a person stays disabled at the provider.
		r.disableProvider(t, "n")
		d.wantError(d.do("POST", "/Users", map[string]any{"schemas": []string{userSchema}, "userName": "n"}), http.StatusConflict, "uniqueness")
		if n := d.do("GET", "/Users?count=0", nil).body["totalResults"]; n != 0.0 {
			t.Errorf("%v users", n)
		}
	})
}

// TestRemovedMember: a linked user that the directory removes leaves its groups, and no others.
func TestRemovedMember(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		sub := r.linked(t, "native", "n")
		d.user("n")
		d.group("G", sub)
		_, err := r.sdk.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &r.pool, GroupName: new("Own")})
		serving.Want(t, err, "")
		_, err = r.sdk.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &r.pool, GroupName: new("Own"), Username: new("native")})
		serving.Want(t, err, "")
		d.want(d.do("DELETE", "/Users/"+sub, nil), http.StatusNoContent)
		if got, own := r.membersOf(t, "G"), r.membersOf(t, "Own"); len(got) != 0 || len(own) != 1 {
			t.Errorf("members %v and %v", got, own)
		}
	})
}

// TestHalfGroup: a group is made with all members, or not at all.
func TestHalfGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	d := r.directory(t, "Corp")
	full := d.user("full")
	for i := range 99 { // The pool's group for users of Corp is the first one.
		d.group(fmt.Sprint("G", i), full)
	}
	members := []string{}
	for i := range 110 {
		members = append(members, d.user(fmt.Sprint("u", i)))
	}
	d.wantError(d.do("POST", "/Groups", groupDocument("Large", append(members, full)...)), http.StatusBadRequest, "invalidValue")
	if got := d.found("/Groups", `displayName eq "Large"`); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	d.group("Large", members...)
}

// linked makes a user with a link to a person of Corp, and returns the user's sub.
func (r *rig) linked(t *testing.T, username, subject string) string {
	t.Helper()
	u, err := r.sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: &username, MessageAction: "SUPPRESS"})
	sub := *serving.Must(t, u, err).User.Attributes[0].Value
	_, err = r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
		UserPoolId: &r.pool, DestinationUser: providerUser("Cognito", "", username), SourceUser: providerUser("Corp", "Cognito_Subject", subject),
	})
	serving.Want(t, err, "")
	return sub
}

// disableProvider takes the provider Corp from a person.
func (r *rig) disableProvider(t *testing.T, subject string) {
	t.Helper()
	_, err := r.sdk.AdminDisableProviderForUser(t.Context(), &cip.AdminDisableProviderForUserInput{UserPoolId: &r.pool, User: providerUser("Corp", "Cognito_Subject", subject)})
	serving.Want(t, err, "")
}
