package user

import (
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

func TestPolicyFault(t *testing.T) {
	t.Parallel()
	all := pool.PasswordPolicy{MinimumLength: 8, RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true}
	rows := []struct {
		name     string
		policy   pool.PasswordPolicy
		password string
		want     string
	}{
		{"good", all, "Passw0rd!", ""},
		{"length comes first", all, "x", "Password not long enough"},
		{"then upper case", all, "passwords", "Password must have uppercase characters"},
		{"then lower case", all, "PASSWORDS", "Password must have lowercase characters"},
		{"then numbers", all, "Passwords", "Password must have numeric characters"},
		{"then symbols", all, "Passw0rds", "Password must have symbol characters"},
		{"other scripts satisfy no class", all, "ПАРОЛЬпароль٤€", "Password must have uppercase characters"},
		{"an inner space is a symbol", all, "Passw0rd one", ""},
		{"a trailing space is refused", all, "Passw0rd! ", `Password must satisfy regular expression pattern: ^\S.*\S$`},
		{"backtick", all, "Passw0rd`", ""},
		{"length is in characters", pool.PasswordPolicy{MinimumLength: 6}, "ααααα", "Password not long enough"},
		{"nothing asked but length", pool.PasswordPolicy{MinimumLength: 6}, "aaaaaa", ""},
		{"empty", pool.PasswordPolicy{}, "", "Password not long enough"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := policyFault(row.policy, row.password); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestPasswordHistory(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(6)), PasswordHistorySize: new(int32(2))}}
		})
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		set := func(password string) error {
			current, err := r.ReplacePassword(t.Context(), sn, r.read(t, sn, u.ID()), PasswordChange{Password: password, Prefix: PolicyChange})
			if err == nil && current == nil {
				t.Error("no user came back")
			}
			return err
		}
		const used = "PasswordHistoryPolicyViolationException: Password has previously been used"
		wantSays(t, set(goodPassword), used)
		wantSays(t, set("second-1"), "")
		wantSays(t, set(goodPassword), used)
		wantSays(t, set("third-22"), "")
		wantSays(t, set("second-1"), used)
		wantSays(t, set(goodPassword), "") // Two are remembered, no more.
	})
}

func TestCredential(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		c, err := r.Credential(u)
		if err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]bool{goodPassword: true, goodPassword + "x": false, "": false} {
			if got, err := r.PasswordMatches(t.Context(), sn, u, c, password); err != nil || got != want {
				t.Errorf("PasswordMatches(%q) = %v, %v", password, got, err)
			}
		}
		// A sealed credential is good in its own row only.
		moved := *u
		moved.Rec.ID = r.have(t, sn, "bob", idp.UserStatusTypeConfirmed, nil).ID()
		if _, err := r.Credential(&moved); err == nil {
			t.Error("a credential opens in another user's row")
		}
		none := &Credential{}
		if got, err := r.PasswordMatches(t.Context(), sn, u, none, goodPassword); err != nil || got {
			t.Errorf("a user without a password matches: %v, %v", got, err)
		}
		temporary := &Credential{Temporary: true, SetAt: r.Clock.Now()}
		if temporary.Stale(sn, r.Clock.Now().Add(7*24*time.Hour-time.Millisecond)) || !temporary.Stale(sn, r.Clock.Now().Add(7*24*time.Hour)) {
			t.Error("a temporary password must be good for seven days exactly")
		}
	})
}
