package ratelimit_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/api/idp"
	"cognate/internal/server"
	"cognate/test/serving"
)

// newDomain makes a domain of the pool, and returns its address on this machine.
func newDomain(t *testing.T, r serving.Rig, pool string) string {
	t.Helper()
	name := fmt.Sprintf("d-%x", pool) // in hexadecimal digits, without a reserved word
	if _, err := r.Dev().CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: &name}); err != nil {
		t.Fatal(err)
	}
	return r.URL() + "/_domain/" + name
}

// provisioned calls an operation of provisioned limits, which the SDK of this module does not
// have yet.
func provisioned(t *testing.T, r serving.Rig, operation, category string, value int) (answer provisionedLimit) {
	t.Helper()
	body := fmt.Sprintf(`{"LimitDefinition":{"LimitClass":"API_CATEGORY","Attributes":{"Category":%q}}}`, category)
	if value > 0 {
		body = fmt.Sprintf(`{"RequestedLimitValue":%d,%s`, value, body[1:])
	}
	res := send(t, http.MethodPost, r.URL(), body, http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSCognitoIdentityProviderService." + operation},
	})
	if err := json.Unmarshal([]byte(text(t, res)), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

type provisionedLimit struct {
	Limit struct{ ProvisionedLimitValue, FreeLimitValue int }
	Code  string `json:"__type"`
}

// TestCategories: with Cognito's numbers, requests beyond the limit of their category
// are refused, and those of other categories are not.
func TestCategories(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, change func(*server.Config)) {
		r, clock := limited(t, func(c *server.Config) {
			change(c)
			c.AddressLimits, c.RateLimits = "off", "cognito"
			c.RateLimit = []string{"UserAuthentication=3", "UserRead=off"}
		})
		pool, client := newPool(t, r)
		for range 3 {
			if err := signIn(t, r.Dev(), client); exceeded(err) {
				t.Fatal(err)
			}
		}
		if err := signIn(t, r.Dev(), client); !exceeded(err) {
			t.Errorf("beyond the limit: %v", err)
		}
		// Answers to challenges have three times the limit.
		answer := func(challenge types.ChallengeNameType) error {
			_, err := r.Dev().RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
				ClientId: &client, ChallengeName: challenge, Session: aws.String(strings.Repeat("x", 30)),
				ChallengeResponses: map[string]string{"USERNAME": "ann", "SMS_MFA_CODE": "123456", "NEW_PASSWORD": "Correct-horse-1"},
			})
			return err
		}
		for range 9 {
			if err := answer(types.ChallengeNameTypeSmsMfa); exceeded(err) {
				t.Fatal(err)
			}
		}
		if err := answer(types.ChallengeNameTypeSmsMfa); !exceeded(err) {
			t.Errorf("an answer beyond the limit: %v", err)
		}
		if err := answer(types.ChallengeNameTypeNewPasswordRequired); exceeded(err) {
			t.Errorf("a new password counts as a sign-in: %v", err)
		}
		// One operation on one pool has a limit of its own.
		describe := func(pool string) error {
			_, err := r.Dev().GetUserPoolMfaConfig(t.Context(), &cip.GetUserPoolMfaConfigInput{UserPoolId: &pool})
			return err
		}
		for range 5 {
			if err := describe(pool); err != nil {
				t.Fatal(err)
			}
		}
		if err := describe(pool); !exceeded(err) {
			t.Errorf("an operation on one pool, a sixth time in a second: %v", err)
		}
		other, _ := newPool(t, r)
		if err := describe(other); err != nil {
			t.Errorf("the operation on another pool: %v", err)
		}
		clock.add(time.Second)
		if err := describe(pool); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

// TestUserLimit: an operation reads one user's profile ten times a second. Other users
// are not concerned.
func TestUserLimit(t *testing.T) {
	t.Parallel()
	r, _ := limited(t, func(c *server.Config) { c.AddressLimits, c.RateLimits = "off", "cognito" })
	pool, _ := newPool(t, r)
	read := func(name string) error {
		_, err := r.Dev().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &name})
		return err
	}
	for _, name := range []string{"ann", "bob"} {
		if _, err := r.Dev().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if err := read("ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := read("ann"); !exceeded(err) {
		t.Errorf("an eleventh time: %v", err)
	}
	if err := read("bob"); err != nil {
		t.Errorf("another user: %v", err)
	}
	if _, err := r.Dev().AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: &pool, Username: aws.String("ann")}); err != nil {
		t.Errorf("a write: %v", err)
	}
}

// TestProvisionedLimits sets limits. They are stored, and enforced although
// the server enforces no other limit of categories.
func TestProvisionedLimits(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, change func(*server.Config)) {
		r, clock := limited(t, func(c *server.Config) {
			change(c)
			c.AddressLimits, c.AllowUnsigned = "off", true
			c.RateLimit = []string{"UserCreation=off", "UserRead=200"}
		})
		get := func(category string) provisionedLimit { return provisioned(t, r, "GetProvisionedLimit", category, 0) }
		set := func(category string, value int) string {
			return provisioned(t, r, "UpdateProvisionedLimit", category, value).Code
		}
		for category, want := range map[string][2]int{"UserAuthentication": {120, 120}, "UserRead": {200, 200}, "UserCreation": {50, 50}} {
			if got := get(category); got.Limit.ProvisionedLimitValue != want[0] || got.Limit.FreeLimitValue != want[1] {
				t.Errorf("%s: %+v, want %v", category, got, want)
			}
		}
		_, client := newPool(t, r)
		flood := func(n int) (refused int) {
			for range n {
				if exceeded(signIn(t, r.Dev(), client)) {
					refused++
				}
			}
			return refused
		}
		if n := flood(150); n != 0 {
			t.Errorf("%d sign-ins refused without a limit", n)
		}
		if code := set("UserAuthentication", 130); code != "" {
			t.Fatal(code)
		}
		if got := get("UserAuthentication"); got.Limit.ProvisionedLimitValue != 130 || got.Limit.FreeLimitValue != 120 {
			t.Errorf("after the change: %+v", got)
		}
		if n := flood(150); n != 20 {
			t.Errorf("%d of 150 sign-ins refused, want 20", n)
		}
		// The limit is stored.
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		clock.add(time.Minute) // The counts of the server before are old.
		r = serving.Start(t, r.Config)
		if got := get("UserAuthentication"); got.Limit.ProvisionedLimitValue != 130 || flood(150) != 20 {
			t.Errorf("after a restart: %+v", got)
		}
		for _, tt := range []struct {
			category string
			value    int
			code     string
		}{
			{"UserAuthentication", 119, idp.CodeInvalidParameterException},
			{"UserRead", 199, idp.CodeInvalidParameterException},
			{"UserAuthentication", 100_001, idp.CodeServiceQuotaExceededException},
			{"UserAccountRecovery", 60, idp.CodeInvalidParameterException},
			{"UserCreation", 60, idp.CodeInvalidParameterException},
			{"Unknown", 60, idp.CodeResourceNotFoundException},
		} {
			if code := set(tt.category, tt.value); code != tt.code {
				t.Errorf("%s to %d: %q, want %s", tt.category, tt.value, code, tt.code)
			}
		}
		if r.Config.Database != "" {
			// Another server of the database enforces it, too.
			c := r.Config
			c.Data = t.TempDir()
			if c.KEKFile == "" {
				c.KEKFile = filepath.Join(r.Config.Data, "kek")
			}
			r = serving.Start(t, c)
			if got := get("UserAuthentication"); got.Limit.ProvisionedLimitValue != 130 {
				t.Errorf("another server: %+v", got)
			}
			if n := flood(150); n < 20 {
				t.Errorf("another server refused %d of 150 sign-ins, want 20 at least", n)
			}
		}
		if got := get("Unknown"); got.Code != idp.CodeResourceNotFoundException {
			t.Errorf("an unknown category: %+v", got)
		}
	})
}
