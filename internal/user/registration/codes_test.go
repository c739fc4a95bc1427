package registration

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
	"cognate/test/people"
	"cognate/test/race"
	"cognate/test/services"
)

// guess returns a code to one of the operations that take one.
type guess struct {
	name    string
	life    time.Duration
	quota   int
	used    string // answer to a code that was used
	prepare func(t *testing.T, c *codeCase)
	send    func(t *testing.T, c *codeCase)
	give    func(t *testing.T, c *codeCase, code string) error
}

// codeCase is one user with one operation.
type codeCase struct {
	r        *rig
	sn       *pool.Snapshot
	client   string
	u        *user.User
	password string
}

var guesses = []guess{
	{
		name: "ConfirmSignUp", life: 24 * time.Hour, quota: 15,
		used: "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED",
		prepare: func(t *testing.T, c *codeCase) {
			c.u = c.r.Have(t, c.sn, "alice", idp.UserStatusTypeUnconfirmed, map[string]string{"email": "alice@example.com"})
		},
		send: func(t *testing.T, c *codeCase) {
			_, err := c.r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: c.client, Username: "alice"})
			people.WantError(t, err, "")
		},
		give: func(t *testing.T, c *codeCase, code string) error {
			_, err := c.r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: c.client, Username: "alice", ConfirmationCode: code})
			return err
		},
	},
	{
		name: "VerifyUserAttribute", life: 24 * time.Hour, quota: 15, used: sayExpired,
		prepare: func(t *testing.T, c *codeCase) {
			c.u = c.r.Have(t, c.sn, "alice", idp.UserStatusTypeConfirmed, map[string]string{"email": "alice@example.com"})
		},
		send: func(t *testing.T, c *codeCase) {
			_, err := c.r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{AccessToken: c.r.Bearer(t, c.sn, c.client, c.u), AttributeName: "email"})
			people.WantError(t, err, "")
		},
		give: func(t *testing.T, c *codeCase, code string) error {
			// An access token lives an hour, a code a day.
			_, err := c.r.VerifyUserAttribute(t.Context(), &idp.VerifyUserAttributeRequest{AccessToken: c.r.Bearer(t, c.sn, c.client, c.u), AttributeName: "email", Code: code})
			return err
		},
	},
	{
		name: "ConfirmForgotPassword", life: time.Hour, quota: 5, used: sayExpired,
		prepare: func(t *testing.T, c *codeCase) {
			c.u = c.r.Have(t, c.sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
		},
		send: func(t *testing.T, c *codeCase) {
			_, err := c.r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: c.client, Username: "alice"})
			people.WantError(t, err, "")
		},
		give: func(t *testing.T, c *codeCase, code string) error {
			password := c.password
			if password == "" {
				password = people.Password + "2"
			}
			_, err := c.r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: c.client, Username: "alice", ConfirmationCode: code, Password: password})
			return err
		},
	},
}

// eachGuess runs a test for every operation that takes a code, with a user that
// has been sent none.
func eachGuess(t *testing.T, test func(t *testing.T, g guess, c *codeCase)) {
	engines(t, func(t *testing.T, r *rig) {
		for _, g := range guesses {
			t.Run(g.name, func(t *testing.T) {
				sn := r.poolWith(t, nil)
				c := &codeCase{r: r, sn: sn, client: r.clientWith(t, sn, nil)}
				g.prepare(t, c)
				test(t, g, c)
			})
		}
	})
}

func TestCodeLife(t *testing.T) {
	t.Parallel()
	eachGuess(t, func(t *testing.T, g guess, c *codeCase) {
		people.WantError(t, g.give(t, c, "123456"), sayExpired) // None was ever sent.

		g.send(t, c)
		first := c.r.lastCode(t, c.sn)
		if len(first) != 6 {
			t.Errorf("the code is %q", first)
		}
		c.r.Clock.Pass(time.Minute)
		g.send(t, c)
		second := c.r.lastCode(t, c.sn)
		if first != second {
			people.WantError(t, g.give(t, c, first), sayMismatch) // Only the newest counts.
		}
		people.WantError(t, g.give(t, c, services.OtherCode(second)), sayMismatch)

		c.r.Clock.Pass(g.life)
		people.WantError(t, g.give(t, c, second), sayExpired)

		g.send(t, c)
		third := c.r.lastCode(t, c.sn)
		c.r.Clock.Pass(g.life - time.Millisecond)
		people.WantError(t, g.give(t, c, third), "")
		people.WantError(t, g.give(t, c, third), g.used)
	})
}

func TestGuessingIsCutOff(t *testing.T) {
	t.Parallel()
	eachGuess(t, func(t *testing.T, g guess, c *codeCase) {
		g.send(t, c)
		code := c.r.lastCode(t, c.sn)
		for range g.quota {
			people.WantError(t, g.give(t, c, services.OtherCode(code)), sayMismatch)
		}
		people.WantError(t, g.give(t, c, services.OtherCode(code)), sayLimit)
		people.WantError(t, g.give(t, c, code), sayLimit) // The right code comes too late.
		c.r.Clock.Pass(time.Second)
		if g.name == "VerifyUserAttribute" {
			c.r.Clock.Pass(time.Hour)
		}
		g.send(t, c) // Another code has tries of its own.
		people.WantError(t, g.give(t, c, c.r.lastCode(t, c.sn)), "")
	})
}

// TestManyGuessesAtOnce sends more guesses than the quota has at the same time.
func TestManyGuessesAtOnce(t *testing.T) {
	t.Parallel()
	eachGuess(t, func(t *testing.T, g guess, c *codeCase) {
		g.send(t, c)
		wrong := services.OtherCode(c.r.lastCode(t, c.sn))
		errs := race.AtOnce(40, func(int) error { return g.give(t, c, wrong) })
		want := map[string]int{"CodeMismatchException": g.quota, "LimitExceededException": 40 - g.quota}
		if diff := cmp.Diff(want, race.Codes(errs)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOneCodeOneUse returns the right code many times at once.
func TestOneCodeOneUse(t *testing.T) {
	t.Parallel()
	eachGuess(t, func(t *testing.T, g guess, c *codeCase) {
		g.send(t, c)
		code := c.r.lastCode(t, c.sn)
		// Those who come too late count as wrong. None may be one too many.
		errs := race.AtOnce(min(8, g.quota), func(int) error { return g.give(t, c, code) })
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				people.WantError(t, err, g.used)
			}
		}
		if won != 1 {
			t.Errorf("the code was used %d times", won)
		}
	})
}

func TestSendingIsLimited(t *testing.T) {
	t.Parallel()
	limits := map[string]int{"ConfirmSignUp": 5, "VerifyUserAttribute": 5, "ConfirmForgotPassword": 20}
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		r.Have(t, sn, "una", idp.UserStatusTypeUnconfirmed, map[string]string{"email": "una@example.com"})
		u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
		bearer := r.Bearer(t, sn, client, u)
		sends := map[string]func() error{
			"ConfirmSignUp": func() error {
				_, err := r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: client, Username: "una"})
				return err
			},
			"VerifyUserAttribute": func() error {
				_, err := r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{AccessToken: bearer, AttributeName: "email"})
				return err
			},
			"ConfirmForgotPassword": func() error {
				_, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: "alice"})
				return err
			},
		}
		for name, send := range sends {
			for range limits[name] {
				people.WantError(t, send(), "")
			}
			before := len(r.mail(t, sn))
			people.WantError(t, send(), sayLimit)
			if after := len(r.mail(t, sn)); after != before {
				t.Errorf("%s: a code beyond the quota was sent", name)
			}
		}
	})
}

// TestFailuresLeaveTheCode has the reasons for which a right code is not used up.
func TestFailuresLeaveTheCode(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		t.Run("password policy", func(t *testing.T) {
			sn := r.poolWith(t, nil)
			c := &codeCase{r: r, sn: sn, client: r.clientWith(t, sn, nil), password: "short"}
			g := guesses[2]
			g.prepare(t, c)
			g.send(t, c)
			code := r.lastCode(t, sn)
			people.WantError(t, g.give(t, c, code), "InvalidPasswordException: Password does not conform to policy: Password not long enough")
			c.password = ""
			people.WantError(t, g.give(t, c, code), "")
		})
		t.Run("alias of another user", func(t *testing.T) {
			sn := r.poolWith(t, services.WithAliases)
			client := r.clientWith(t, sn, services.Hiding)
			owner := r.Have(t, sn, "owner", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
			_, err := r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: client, Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com")})
			people.WantError(t, err, "")
			in := &idp.ConfirmSignUpRequest{ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn)}
			_, err = r.ConfirmSignUp(t.Context(), in)
			people.WantError(t, err, "AliasExistsException: An account with the email already exists.")
			in.ForceAliasCreation = new(true)
			_, err = r.ConfirmSignUp(t.Context(), in)
			people.WantError(t, err, "")
			if owner = r.Read(t, sn, owner.ID()); owner.Attributes["email"] != "alice@example.com" || owner.Attributes["email_verified"] != "false" {
				t.Errorf("the previous owner has %v", owner.Attributes)
			}
			u, err := r.Resolve(t.Context(), sn, "alice@example.com")
			if err != nil || u.Username() != "alice" || !u.Verified("email") {
				t.Errorf("the alias is %+v's, %v", u, err)
			}
		})
	})
}

// TestCodeProvesItsOwnAddress changes the address after the code was sent.
func TestCodeProvesItsOwnAddress(t *testing.T) {
	t.Parallel()
	eachGuess(t, func(t *testing.T, g guess, c *codeCase) {
		g.send(t, c)
		code := c.r.lastCode(t, c.sn)
		c.r.Change(t, c.sn, c.u.ID(), func(u *user.User) { u.Attributes["email"] = "mallory@example.com" })
		err := g.give(t, c, code)
		if g.name != "ConfirmSignUp" {
			people.WantError(t, err, sayExpired)
			return
		}
		people.WantError(t, err, "") // The account is confirmed, the new address is not.
		if u := c.r.Read(t, c.sn, c.u.ID()); u.Verified("email") || u.Status() != idp.UserStatusTypeConfirmed {
			t.Errorf("%s with %v", u.Status(), u.Attributes)
		}
	})
}
