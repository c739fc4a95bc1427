package ops_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

// factors is what the two operations that list them say, which must be the same.
// The administrator's is newer than the SDK.
func (r rig) factors(t *testing.T, pool, name, token string) *cip.GetUserAuthFactorsOutput {
	t.Helper()
	self := must[*cip.GetUserAuthFactorsOutput](t)(r.GetUserAuthFactors(t.Context(), &cip.GetUserAuthFactorsInput{AccessToken: &token}))
	body, err := json.Marshal(map[string]string{"UserPoolId": pool, "Username": name})
	if err != nil {
		t.Fatal(err)
	}
	res, text := r.post(t, "AdminGetUserAuthFactors", string(body))
	var admin struct {
		Username, PreferredMfaSetting *string
		UserMFASettingList            []string
		ConfiguredUserAuthFactors     []types.AuthFactorType
	}
	if err := json.Unmarshal([]byte(text), &admin); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", res.StatusCode, text, err)
	}
	if diff := cmp.Diff([]any{self.Username, self.PreferredMfaSetting, self.UserMFASettingList, self.ConfiguredUserAuthFactors},
		[]any{admin.Username, admin.PreferredMfaSetting, admin.UserMFASettingList, admin.ConfiguredUserAuthFactors}); diff != "" {
		t.Errorf("the user's view (-) and the administrator's (+) differ:\n%s", diff)
	}
	return self
}

func smsWish(enabled, preferred bool) *types.SMSMfaSettingsType {
	return &types.SMSMfaSettingsType{Enabled: enabled, PreferredMfa: preferred}
}

func totpWish(enabled, preferred bool) *types.SoftwareTokenMfaSettingsType {
	return &types.SoftwareTokenMfaSettingsType{Enabled: enabled, PreferredMfa: preferred}
}

func mailWish(enabled, preferred bool) *types.EmailMfaSettingsType {
	return &types.EmailMfaSettingsType{Enabled: enabled, PreferredMfa: preferred}
}

// TestMFAPreference is the table of what may be turned on, by the user and by an
// administrator.
func TestMFAPreference(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool)
		noConfig := func(factor string) error {
			return invalid("User does not have delivery config set to turn on " + factor)
		}
		type wish struct {
			sms  *types.SMSMfaSettingsType
			totp *types.SoftwareTokenMfaSettingsType
			mail *types.EmailMfaSettingsType
			want error
			// admin is the administrator's answer where it differs.
			admin error
		}
		for _, row := range []struct {
			name      string
			attrs     []string
			wishes    []wish
			list      []string
			preferred string
		}{
			{name: "nothing asked", wishes: []wish{{}}},
			{name: "no phone", wishes: []wish{{sms: smsWish(true, false), want: noConfig("SMS_MFA")}}},
			{name: "no mail", wishes: []wish{{mail: mailWish(true, false), want: noConfig("EMAIL_OTP")}}},
			{name: "no app", wishes: []wish{{totp: totpWish(true, false), want: invalid("User has not set up software token mfa"), admin: noConfig("SOFTWARE_TOKEN_MFA")}}},
			{name: "app off without one", wishes: []wish{{totp: totpWish(false, false)}}},
			{name: "two preferred", attrs: []string{"phone_number", "+15555550100", "email", "a@example.com"},
				wishes: []wish{{sms: smsWish(true, true), mail: mailWish(true, true), want: invalid("Only one MFA can be preferred")}}},
			{name: "preferred but off", attrs: []string{"phone_number", "+15555550100"},
				wishes: []wish{{sms: smsWish(false, true), want: invalid("Invalid MFA setting: SMS_MFA cannot be preferred while it is disabled")}}},
			{name: "both, mail preferred", attrs: []string{"phone_number", "+15555550100", "email", "a@example.com"},
				wishes: []wish{{mail: mailWish(true, true), sms: smsWish(true, false)}}, list: []string{"SMS_MFA", "EMAIL_OTP"}, preferred: "EMAIL_OTP"},
			{name: "the preference moves", attrs: []string{"phone_number", "+15555550100", "email", "a@example.com"},
				wishes: []wish{{mail: mailWish(true, true)}, {sms: smsWish(true, true)}}, list: []string{"SMS_MFA", "EMAIL_OTP"}, preferred: "SMS_MFA"},
			{name: "off takes the preference", attrs: []string{"phone_number", "+15555550100", "email", "a@example.com"},
				wishes: []wish{{mail: mailWish(true, true), sms: smsWish(true, false)}, {mail: mailWish(false, false)}}, list: []string{"SMS_MFA"}},
			{name: "an error changes nothing", attrs: []string{"email", "a@example.com"},
				wishes: []wish{{mail: mailWish(true, false), sms: smsWish(true, false), want: noConfig("SMS_MFA")}}},
			{name: "the last one off", attrs: []string{"email", "a@example.com"},
				wishes: []wish{{mail: mailWish(true, true)}, {mail: mailWish(false, false)}}},
		} {
			for _, admin := range []bool{false, true} {
				username := fmt.Sprintf("%s/%t", strings.ReplaceAll(row.name, " ", "-"), admin)
				name := row.name
				if admin {
					name += ", by an administrator"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					r.user(t, pool, username, row.attrs...)
					token := *r.signIn(t, client, username).AccessToken
					for _, w := range row.wishes {
						var err error
						want := w.want
						if admin {
							if w.admin != nil {
								want = w.admin
							}
							_, err = r.AdminSetUserMFAPreference(t.Context(), &cip.AdminSetUserMFAPreferenceInput{
								UserPoolId: &pool, Username: &username, SMSMfaSettings: w.sms, SoftwareTokenMfaSettings: w.totp, EmailMfaSettings: w.mail})
						} else {
							_, err = r.SetUserMFAPreference(t.Context(), &cip.SetUserMFAPreferenceInput{
								AccessToken: &token, SMSMfaSettings: w.sms, SoftwareTokenMfaSettings: w.totp, EmailMfaSettings: w.mail})
						}
						wantError(t, err, want)
					}
					u := r.find(t, pool, username)
					if diff := cmp.Diff(row.list, u.UserMFASettingList); diff != "" || aws.ToString(u.PreferredMfaSetting) != row.preferred {
						t.Errorf("preferred %q, want %q; list (-want +got):\n%s", aws.ToString(u.PreferredMfaSetting), row.preferred, diff)
					}
					f := r.factors(t, pool, username, token)
					if diff := cmp.Diff(row.list, f.UserMFASettingList); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
		wantError(t, second(r.AdminSetUserMFAPreference(t.Context(), &cip.AdminSetUserMFAPreferenceInput{UserPoolId: &pool, Username: aws.String("nobody")})), noUser())
		wantError(t, second(r.SetUserMFAPreference(t.Context(), &cip.SetUserMFAPreferenceInput{AccessToken: aws.String("x.y.z")})), notAuthorized("Invalid Access Token"))
	})
}

func second[T any](_ T, err error) error { return err }

// TestUserSettings turns SMS codes on and off in the old way.
func TestUserSettings(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool)
		name := "alice"
		r.user(t, pool, name)
		token := *r.signIn(t, client, name).AccessToken
		set := func(admin bool, options ...types.MFAOptionType) error {
			if options == nil {
				options = []types.MFAOptionType{}
			}
			if admin {
				return second(r.AdminSetUserSettings(t.Context(), &cip.AdminSetUserSettingsInput{UserPoolId: &pool, Username: &name, MFAOptions: options}))
			}
			return second(r.SetUserSettings(t.Context(), &cip.SetUserSettingsInput{AccessToken: &token, MFAOptions: options}))
		}
		sms := types.MFAOptionType{DeliveryMedium: "SMS", AttributeName: aws.String("phone_number")}
		for _, admin := range []bool{false, true} {
			wantError(t, set(admin, types.MFAOptionType{DeliveryMedium: "EMAIL", AttributeName: aws.String("email")}), invalid("Invalid MFA options: only SMS to phone_number can be set."))
			wantError(t, set(admin, sms), invalid("User does not have delivery config set to turn on SMS_MFA"))
			must[*cip.AdminUpdateUserAttributesOutput](t)(r.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{
				UserPoolId: &pool, Username: &name, UserAttributes: attributes("phone_number", "+15555550100")}))
			wantError(t, set(admin, sms), nil)
			u := r.find(t, pool, name)
			if len(u.MFAOptions) != 1 || *u.MFAOptions[0].AttributeName != "phone_number" || len(u.UserMFASettingList) != 1 {
				t.Errorf("on: %v %v", u.MFAOptions, u.UserMFASettingList)
			}
			wantError(t, set(admin), nil)
			if u := r.find(t, pool, name); u.MFAOptions != nil || u.UserMFASettingList != nil {
				t.Errorf("off: %v %v", u.MFAOptions, u.UserMFASettingList)
			}
			must[*cip.AdminDeleteUserAttributesOutput](t)(r.AdminDeleteUserAttributes(t.Context(), &cip.AdminDeleteUserAttributesInput{
				UserPoolId: &pool, Username: &name, UserAttributeNames: []string{"phone_number"}}))
		}
	})
}

// deleteSoftwareToken is AdminDeleteSoftwareToken, which is newer than the SDK.
func (r rig) deleteSoftwareToken(t *testing.T, pool, name string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"UserPoolId": pool, "Username": name})
	if err != nil {
		t.Fatal(err)
	}
	res, text := r.post(t, "AdminDeleteSoftwareToken", string(body))
	return res.StatusCode, text
}

// TestAdminDeleteSoftwareToken takes an authenticator app away.
func TestAdminDeleteSoftwareToken(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		r.user(t, pool, "alice")
		if status, text := r.deleteSoftwareToken(t, pool, "alice"); status != http.StatusOK || text != "{}" {
			t.Errorf("without one: %d %s", status, text)
		}
		if status, text := r.deleteSoftwareToken(t, pool, "nobody"); status != http.StatusBadRequest || !strings.Contains(text, "UserNotFoundException") {
			t.Errorf("nobody: %d %s", status, text)
		}
	})
}
