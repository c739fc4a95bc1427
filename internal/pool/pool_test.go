package pool_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	sms        = `"SmsConfiguration":{"SnsCallerArn":"arn:aws:iam::123456789012:role/sms","ExternalId":"x"}`
	ses        = `"EmailConfiguration":{"EmailSendingAccount":"DEVELOPER","SourceArn":"arn:aws:ses:us-east-1:123456789012:identity/a@example.com"}`
	someLambda = `"arn:aws:lambda:us-east-1:123456789012:function:f"`
)

func TestDefaultPool(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		created := n.do(t, "CreateUserPool", `{"PoolName":"demo"}`)
		id := at(created, "UserPool", "Id").(string)
		if !strings.HasPrefix(id, "us-east-1_") {
			t.Fatalf("id %s", id)
		}
		wantTree(t, created, "default_pool.json", "$POOL", id)
		wantTree(t, n.do(t, "DescribeUserPool", `{"UserPoolId":"`+id+`"}`), "default_pool.json", "$POOL", id)
	})
}

// TestPoolRefusals has a row for each thing that a pool cannot be created with.
func TestPoolRefusals(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	tests := []struct {
		name, members, want string
	}{
		{"alias and username attributes", `"AliasAttributes":["email"],"UsernameAttributes":["email"]`,
			"InvalidParameterException: Only one of the aliasAttributes or usernameAttributes can be set in a user pool."},
		{"MFA without SMS", `"MfaConfiguration":"ON"`,
			"InvalidParameterException: SMS configuration and Auto verification for phone_number are required when MFA is required/optional"},
		{"optional MFA without SMS", `"MfaConfiguration":"OPTIONAL"`,
			"InvalidParameterException: SMS configuration and Auto verification for phone_number are required when MFA is required/optional"},
		{"MFA with SMS", `"MfaConfiguration":"ON",` + sms, ""},
		{"phone numbers verified without SMS", `"AutoVerifiedAttributes":["email","phone_number"]`,
			"InvalidParameterException: SMS configuration is required when phone_number is selected for auto verification"},
		{"phone numbers verified with SMS", `"AutoVerifiedAttributes":["phone_number"],` + sms, ""},
		{"SMS_OTP without SMS", `"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","SMS_OTP"]}}`,
			"InvalidParameterException: SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration"},
		{"MFA with e-mail as first factor", `"MfaConfiguration":"ON",` + sms + `,"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","EMAIL_OTP"]}}`,
			"InvalidParameterException: Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled"},
		{"MFA with one-factor passkeys", `"MfaConfiguration":"ON",` + sms + `,"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","WEB_AUTHN"]}}`,
			"InvalidParameterException: Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor"},
		{"days given twice", `"Policies":{"PasswordPolicy":{"TemporaryPasswordValidityDays":7}},"AdminCreateUserConfig":{"UnusedAccountValidityDays":7}`,
			"InvalidParameterException: Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"},
		{"invitation without the password", `"AdminCreateUserConfig":{"InviteMessageTemplate":{"EmailMessage":"hello {username}"}}`,
			"InvalidParameterException: Invite message template must contain {username} and {####}."},
		{"update settings beyond auto-verified", `"UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]}`,
			"InvalidParameterException: All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes"},
		{"admin_only with others", `"AccountRecoverySetting":{"RecoveryMechanisms":[{"Priority":1,"Name":"admin_only"},{"Priority":2,"Name":"verified_email"}]}`,
			"InvalidParameterException: Account recovery by admin_only can not be combined with other mechanisms."},
		{"equal priorities", `"AccountRecoverySetting":{"RecoveryMechanisms":[{"Priority":1,"Name":"verified_phone_number"},{"Priority":1,"Name":"verified_email"}]}`,
			"InvalidParameterException: Account recovery mechanisms must have distinct names and priorities."},
		{"developer's mail without identity", `"EmailConfiguration":{"EmailSendingAccount":"DEVELOPER"}`,
			"InvalidParameterException: Email sending account DEVELOPER requires a SourceArn."},
		{"EUMS of another Region", `"SmsConfiguration":{"EumsSms":{"CallerArn":"arn:aws:iam::123456789012:role/sms","Region":"eu-west-1"}}`,
			"InvalidParameterException: The Region of EumsSms must be the Region of the user pool."},
		{"two SMS senders", `"SmsConfiguration":{"SnsCallerArn":"arn:aws:iam::123456789012:role/sms","EumsSms":{"CallerArn":"arn:aws:iam::123456789012:role/sms"}}`,
			"InvalidParameterException: SmsConfiguration can not have both SnsCallerArn and EumsSms."},
		{"reserved tag", `"UserPoolTags":{"aws:x":"y"}`,
			"UserPoolTaggingException: Tag keys can not begin with aws:, which is reserved: aws:x"},
		{"too many tags", `"UserPoolTags":` + manyTags(51),
			"UserPoolTaggingException: A user pool can not have more than 50 tags."},
		{"software token first", `"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["SOFTWARE_TOKEN"]}}`,
			"InvalidParameterException: SOFTWARE_TOKEN can not be configured as AuthFactor"},

		{"history in LITE", `"UserPoolTier":"LITE","Policies":{"PasswordPolicy":{"PasswordHistorySize":3}}`,
			"FeatureUnavailableInTierException: Password history is not available in your current tier."},
		{"passkeys in LITE", `"UserPoolTier":"LITE","Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","WEB_AUTHN"]}}`,
			"FeatureUnavailableInTierException: Choice-based sign-in is not available in your current tier."},
		{"threat protection in ESSENTIALS", `"UserPoolTier":"ESSENTIALS","UserPoolAddOns":{"AdvancedSecurityMode":"AUDIT"}`,
			"FeatureUnavailableInTierException: Threat protection is not available in your current tier."},
		{"access tokens in LITE", `"UserPoolTier":"LITE","LambdaConfig":{"PreTokenGenerationConfig":{"LambdaVersion":"V2_0","LambdaArn":` + someLambda + `}}`,
			"FeatureUnavailableInTierException: Access token customization is not available in your current tier."},
		{"registration in LITE", `"UserPoolTier":"LITE","DcrConfiguration":{}`,
			"FeatureUnavailableInTierException: Dynamic client registration is not available in your current tier."},

		{"trigger of another service", `"LambdaConfig":{"PreSignUp":"arn:aws:sns:us-east-1:123456789012:topic"}`,
			"InvalidParameterException: The PreSignUp trigger is not the ARN of a Lambda function: arn:aws:sns:us-east-1:123456789012:topic"},
		{"two functions before tokens", `"LambdaConfig":{"PreTokenGeneration":"arn:aws:lambda:us-east-1:123456789012:function:g","PreTokenGenerationConfig":{"LambdaVersion":"V2_0","LambdaArn":` + someLambda + `}}`,
			"InvalidParameterException: PreTokenGeneration and PreTokenGenerationConfig must name the same function."},
		{"sender without a key", `"LambdaConfig":{"CustomEmailSender":{"LambdaVersion":"V1_0","LambdaArn":` + someLambda + `}}`,
			"InvalidParameterException: KMSKeyID is required for CustomEmailSender and CustomSMSSender."},
		{"devices", `"DeviceConfiguration":{"ChallengeRequiredOnNewDevice":false}`, ""},
		{"no device setting", `"DeviceConfiguration":{}`, ""},
		{"threat protection", `"UserPoolAddOns":{"AdvancedSecurityMode":"ENFORCED","AdvancedSecurityAdditionalFlows":{"CustomAuthMode":"AUDIT"}}`, ""},
		{"threat protection off", `"UserPoolAddOns":{"AdvancedSecurityMode":"OFF"}`, ""},
		{"passkeys", `"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","WEB_AUTHN"]}}`, ""},
		{"codes first", `"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","EMAIL_OTP"]}}`, ""},
		{"own keys", `"KeyConfiguration":{"KeyType":"CUSTOMER_MANAGED_KEY","KmsKeyArn":"arn:aws:kms:us-east-1:123456789012:key/k"}`,
			"InvalidParameterException: Customer managed keys (KeyConfiguration) are not available in this version."},
		{"registration", `"DcrConfiguration":{}`, ""},
		{"registration of clients that register", `"DcrConfiguration":{"AllowedScopes":["aws.cognito/dcr/register"]}`,
			"InvalidParameterException: AllowedScopes can not contain aws.cognito/dcr/register."},
		{"registration off", `"DcrConfiguration":{"EnableStatus":"Disabled"}`, ""},
		{"names of levels", `"AcrConfiguration":{"Level1":{"AcrValue":"low"},"Level4":{"AcrValue":"urn:cognito:loa:1"}}`, ""},
		{"two levels of one name", `"AcrConfiguration":{"Level1":{"AcrValue":"low"},"Level2":{"AcrValue":"low"}}`, sameLevel},
		{"a level of another's default name", `"AcrConfiguration":{"Level1":{"AcrValue":"urn:cognito:loa:4"}}`, sameLevel},
		{"names of levels in LITE", `"UserPoolTier":"LITE","AcrConfiguration":{"Level1":{"AcrValue":"low"}}`,
			"FeatureUnavailableInTierException: AcrConfiguration is not available in your current tier."},
		{"default names in LITE", `"UserPoolTier":"LITE","AcrConfiguration":{"Level1":{"AcrValue":"urn:cognito:loa:1"}}`, ""},
		{"links", `"VerificationMessageTemplate":{"DefaultEmailOption":"CONFIRM_WITH_LINK"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := n.call(t.Context(), "CreateUserPool", object(`"PoolName":"p"`, tt.members))
			wantError(t, "CreateUserPool", err, tt.want)
		})
	}
}

func manyTags(n int) string {
	tags := map[string]string{}
	for i := range n {
		tags[fmt.Sprintf("k%d", i)] = "v"
	}
	b, _ := json.Marshal(tags)
	return string(b)
}

// TestUpdateLeftOut follows the table of what UpdateUserPool does with a member
// that is left out.
func TestUpdateLeftOut(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	tests := []struct {
		name, members string
		path          []string
		kept          bool
	}{
		{"AutoVerifiedAttributes", `"AutoVerifiedAttributes":["email"]`, []string{"AutoVerifiedAttributes"}, false},
		{"MfaConfiguration", `"MfaConfiguration":"OPTIONAL",` + sms, []string{"MfaConfiguration"}, true},
		{"password policy", `"Policies":{"PasswordPolicy":{"MinimumLength":12}}`, []string{"Policies", "PasswordPolicy"}, true},
		{"UserPoolTier", `"UserPoolTier":"PLUS"`, []string{"UserPoolTier"}, true},
		{"IssuerConfiguration", `"IssuerConfiguration":{"Type":"UPDATED"}`, []string{"IssuerConfiguration"}, true},
		{"KeyConfiguration", `"KeyConfiguration":{"KeyType":"AWS_OWNED_KEY"}`, []string{"KeyConfiguration"}, true},
		{"DcrConfiguration", `"DcrConfiguration":{"EnableStatus":"Disabled"}`, []string{"DcrConfiguration"}, true},
		{"UserPoolAddOns", `"UserPoolAddOns":{"AdvancedSecurityMode":"OFF"}`, []string{"UserPoolAddOns"}, false},
		{"UserPoolTags", `"UserPoolTags":{"a":"b"}`, []string{"UserPoolTags"}, true},
		{"EmailConfiguration", ses, []string{"EmailConfiguration"}, false},
		{"SmsConfiguration", sms, []string{"SmsConfiguration"}, false},
		{"SmsVerificationMessage", `"SmsVerificationMessage":"a {####}"`, []string{"SmsVerificationMessage"}, false},
		{"EmailVerificationMessage", `"EmailVerificationMessage":"a {####}"`, []string{"EmailVerificationMessage"}, false},
		{"EmailVerificationSubject", `"EmailVerificationSubject":"a"`, []string{"EmailVerificationSubject"}, false},
		{"VerificationMessageTemplate", `"VerificationMessageTemplate":{"EmailSubjectByLink":"a"}`, []string{"VerificationMessageTemplate"}, false},
		{"SmsAuthenticationMessage", `"SmsAuthenticationMessage":"a {####}"`, []string{"SmsAuthenticationMessage"}, false},
		{"AdminCreateUserConfig", `"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":true}`, []string{"AdminCreateUserConfig"}, false},
		{"AccountRecoverySetting", `"AccountRecoverySetting":{"RecoveryMechanisms":[{"Priority":1,"Name":"admin_only"}]}`, []string{"AccountRecoverySetting"}, false},
		{"DeletionProtection", `"DeletionProtection":"ACTIVE"`, []string{"DeletionProtection"}, false},
		{"AliasAttributes", `"AliasAttributes":["email"]`, []string{"AliasAttributes"}, true},
		{"UsernameAttributes", `"UsernameAttributes":["email"]`, []string{"UsernameAttributes"}, true},
		{"UsernameConfiguration", `"UsernameConfiguration":{"CaseSensitive":false}`, []string{"UsernameConfiguration"}, true},
		{"Schema", `"Schema":[{"Name":"x","AttributeDataType":"String"}]`, []string{"SchemaAttributes"}, true},
		{"Name", ``, []string{"Name"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			defaults := n.describe(t, n.newPool(t, ""))
			id := n.newPool(t, tt.members)
			before := n.describe(t, id)
			if tt.members != "" && cmp.Equal(at(before, tt.path...), at(defaults, tt.path...)) {
				t.Fatal("the row sets nothing")
			}
			update := `{"UserPoolId":"` + id + `"}`
			if strings.Contains(tt.members, `"OPTIONAL"`) {
				update = object(`"UserPoolId":"`+id+`"`, sms) // The factor needs its sender.
			}
			n.do(t, "UpdateUserPool", update)
			want := at(defaults, tt.path...)
			if tt.kept {
				want = at(before, tt.path...)
			}
			if diff := cmp.Diff(want, at(n.describe(t, id), tt.path...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpdateSets(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, `"AutoVerifiedAttributes":["email"],"UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]}`)
		n.clock.Pass(1500e6)
		n.do(t, "UpdateUserPool", `{"UserPoolId":"`+id+`","PoolName":"other","AutoVerifiedAttributes":["email"],
			"Policies":{"PasswordPolicy":{"MinimumLength":10}},"EmailVerificationMessage":"code {####}",
			"VerificationMessageTemplate":{"SmsMessage":"sms {####}"}}`)
		got := n.describe(t, id)
		for _, want := range []struct {
			path []string
			want any
		}{
			{[]string{"Name"}, "other"},
			{[]string{"CreationDate"}, 1795341600.0},
			{[]string{"LastModifiedDate"}, 1795341601.5},
			// A partial policy stores the flags that it leaves out as false.
			{[]string{"Policies", "PasswordPolicy"}, tree(t, `{"MinimumLength":10,"RequireUppercase":false,"RequireLowercase":false,
				"RequireNumbers":false,"RequireSymbols":false,"TemporaryPasswordValidityDays":7}`)},
			{[]string{"Policies", "SignInPolicy"}, tree(t, `{"AllowedFirstAuthFactors":["PASSWORD"]}`)},
			{[]string{"EmailVerificationMessage"}, "code {####}"},
			{[]string{"SmsVerificationMessage"}, "sms {####}"},
			{[]string{"VerificationMessageTemplate"}, tree(t, `{"DefaultEmailOption":"CONFIRM_WITH_CODE","EmailMessage":"code {####}","SmsMessage":"sms {####}"}`)},
			{[]string{"UserAttributeUpdateSettings"}, tree(t, `{"AttributesRequireVerificationBeforeUpdate":["email"]}`)},
		} {
			if diff := cmp.Diff(want.want, at(got, want.path...)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", want.path, diff)
			}
		}
		n.do(t, "UpdateUserPool", `{"UserPoolId":"`+id+`","UserPoolTags":{"a":"b"},"AutoVerifiedAttributes":["email"]}`)
		n.do(t, "UpdateUserPool", `{"UserPoolId":"`+id+`","UserPoolTags":{},"AutoVerifiedAttributes":["email"]}`)
		if diff := cmp.Diff(map[string]any{}, n.describe(t, id)["UserPoolTags"]); diff != "" {
			t.Errorf("tags removed (-want +got):\n%s", diff)
		}
		n.do(t, "UpdateUserPool", `{"UserPoolId":"`+id+`","UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":[]}}`)
		if diff := cmp.Diff(tree(t, `{"AttributesRequireVerificationBeforeUpdate":[]}`), at(n.describe(t, id), "UserAttributeUpdateSettings")); diff != "" {
			t.Errorf("switched off (-want +got):\n%s", diff)
		}
	})
}

func TestUpdateRefusals(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	tests := []struct {
		name, pool, client, members, want string
	}{
		{"unknown pool", "", "", `"UserPoolId":"us-east-1_unknown00"`, "ResourceNotFoundException: User pool us-east-1_unknown00 does not exist."},
		{"MFA without a factor", "", "", `"MfaConfiguration":"ON"`, "InvalidParameterException: Cannot turn MFA functionality ON, once the user pool has been created."},
		{"MFA without a factor, with SMS", "", "", `"MfaConfiguration":"OPTIONAL",` + sms, "InvalidParameterException: Cannot turn MFA functionality ON, once the user pool has been created."},
		{"SMS taken from SMS MFA", `"MfaConfiguration":"ON",` + sms, "", `"PoolName":"x"`,
			"InvalidParameterException: SMS configuration and Auto verification for phone_number are required when MFA is required/optional"},
		{"SMS taken from verified phone numbers", `"AutoVerifiedAttributes":["phone_number"],` + sms, "", `"AutoVerifiedAttributes":["phone_number"]`,
			"InvalidParameterException: SMS configuration is required when phone_number is selected for auto verification"},
		{"SMS taken with verified phone numbers", `"AutoVerifiedAttributes":["phone_number"],` + sms, "", `"AutoVerifiedAttributes":["email"]`, ""},
		{"days that were set", `"Policies":{"PasswordPolicy":{"TemporaryPasswordValidityDays":3}}`, "", `"AdminCreateUserConfig":{"UnusedAccountValidityDays":5}`,
			"InvalidParameterException: Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"},
		{"to LITE with history", `"Policies":{"PasswordPolicy":{"PasswordHistorySize":3}}`, "", `"UserPoolTier":"LITE"`,
			"TierChangeNotAllowedException: Password history must be turned off before the tier is changed to LITE."},
		{"to LITE, history off", `"Policies":{"PasswordPolicy":{"PasswordHistorySize":3}}`, "", `"UserPoolTier":"LITE","Policies":{"PasswordPolicy":{}}`, ""},
		{"to LITE with rotation", "", `"RefreshTokenRotation":{"Feature":"ENABLED"}`, `"UserPoolTier":"LITE"`,
			"TierChangeNotAllowedException: Refresh token rotation must be turned off before the tier is changed to LITE."},
		{"history in LITE", `"UserPoolTier":"LITE"`, "", `"Policies":{"PasswordPolicy":{"PasswordHistorySize":3}}`,
			"FeatureUnavailableInTierException: Password history is not available in your current tier."},
		{"from LITE with history", `"UserPoolTier":"LITE"`, "", `"UserPoolTier":"PLUS","Policies":{"PasswordPolicy":{"PasswordHistorySize":3}}`, ""},
		{"verification before update, no more auto-verified", `"AutoVerifiedAttributes":["email"],"UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]}`, "", `"PoolName":"x"`,
			"InvalidParameterException: All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes"},
		{"reserved tag", "", "", `"UserPoolTags":{"AWS:x":"y"}`, "UserPoolTaggingException: Tag keys can not begin with aws:, which is reserved: AWS:x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := n.newPool(t, tt.pool)
			if tt.client != "" {
				n.newClient(t, id, tt.client)
			}
			before := n.describe(t, id)
			body := tt.members
			if !strings.Contains(body, "UserPoolId") {
				body = `"UserPoolId":"` + id + `",` + body
			}
			_, err := n.call(t.Context(), "UpdateUserPool", "{"+body+"}")
			wantError(t, "UpdateUserPool", err, tt.want)
			if tt.want != "" && !cmp.Equal(before, n.describe(t, id)) {
				t.Error("a refused update changed the pool")
			}
		})
	}
}

// TestTemplateWins sends texts of codes twice, as infrastructure tools do when one
// of them was changed: the template's text is stored and shown in both places.
func TestTemplateWins(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	const texts = `"EmailVerificationMessage":"old {####}","EmailVerificationSubject":"old","SmsVerificationMessage":"old sms {####}",
		"VerificationMessageTemplate":{"EmailMessage":"new {####}","EmailSubject":"new","SmsMessage":"new sms {####}"}`
	want := tree(t, `{"EmailVerificationMessage":"new {####}","EmailVerificationSubject":"new","SmsVerificationMessage":"new sms {####}",
		"VerificationMessageTemplate":{"DefaultEmailOption":"CONFIRM_WITH_CODE","EmailMessage":"new {####}","EmailSubject":"new","SmsMessage":"new sms {####}"}}`)
	created, updated := n.newPool(t, texts), n.newPool(t, "")
	n.do(t, "UpdateUserPool", object(`"UserPoolId":"`+updated+`"`, texts))
	for name, id := range map[string]string{"created": created, "updated": updated} {
		shown := n.describe(t, id)
		got := map[string]any{}
		for key := range want {
			got[key] = shown[key]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		sn, err := n.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if subject, body := sn.VerificationMessage("EMAIL"); subject != "new" || body != "new {####}" {
			t.Errorf("%s: a code is sent as %q, %q", name, subject, body)
		}
	}
}

// TestEmptyMeansNotGiven sends every list and map of a pool empty. The pool is
// as one that was made without them.
func TestEmptyMeansNotGiven(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	plain := n.describe(t, n.newPool(t, ""))
	const empty = `"AutoVerifiedAttributes":[],"UserPoolTags":{},"LambdaConfig":{},"Policies":{},"EmailConfiguration":{},"DeviceConfiguration":{},
		"AdminCreateUserConfig":{},"VerificationMessageTemplate":{},"AcrConfiguration":{},"IssuerConfiguration":{},"KeyConfiguration":{}`
	id := n.newPool(t, empty+`,"AliasAttributes":[],"UsernameAttributes":[]`)
	compare := func(step string) {
		t.Helper()
		got := n.describe(t, id)
		got["Id"], got["Arn"] = plain["Id"], plain["Arn"]
		if diff := cmp.Diff(plain, got); diff != "" {
			t.Errorf("%s (-plain +got):\n%s", step, diff)
		}
	}
	compare("created")
	n.do(t, "UpdateUserPool", object(`"UserPoolId":"`+id+`"`, empty))
	compare("updated")
	kept := n.newPool(t, `"IssuerConfiguration":{"Type":"UPDATED"},"KeyConfiguration":{"KeyType":"AWS_OWNED_KEY"}`)
	before := n.describe(t, kept)
	n.do(t, "UpdateUserPool", object(`"UserPoolId":"`+kept+`"`, empty))
	if diff := cmp.Diff(before, n.describe(t, kept)); diff != "" {
		t.Errorf("an empty update (-before +after):\n%s", diff)
	}
}

func TestUnusedAccountDays(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"AdminCreateUserConfig":{"UnusedAccountValidityDays":3}`)
	if got := at(n.describe(t, id), "Policies", "PasswordPolicy", "TemporaryPasswordValidityDays"); got != 3.0 {
		t.Errorf("TemporaryPasswordValidityDays = %v, want the retired member's 3", got)
	}
	sn, err := n.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got := sn.TemporaryPasswordValidity.Hours(); got != 72 {
		t.Errorf("validity = %v h, want 72", got)
	}
}

func TestDeletePool(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, `"DeletionProtection":"ACTIVE"`)
		client := n.newClient(t, id, "")
		body := `{"UserPoolId":"` + id + `"}`
		_, err := n.call(t.Context(), "DeleteUserPool", body)
		wantError(t, "DeleteUserPool", err, "InvalidParameterException: The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
		n.do(t, "UpdateUserPool", body) // Protection goes back to its default.

		domain := "d" + strings.ToLower(id[len(id)-9:])
		n.do(t, "CreateUserPoolDomain", `{"Domain":"`+domain+`","UserPoolId":"`+id+`"}`)
		_, err = n.call(t.Context(), "DeleteUserPool", body)
		wantError(t, "DeleteUserPool", err, "InvalidParameterException: User pool cannot be deleted. It has a domain configured that should be deleted first.")
		n.do(t, "DeleteUserPoolDomain", `{"Domain":"`+domain+`","UserPoolId":"`+id+`"}`)

		if _, _, err := n.LoadClient(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		n.do(t, "DeleteUserPool", body)
		for _, op := range []string{"DescribeUserPool", "DeleteUserPool", "UpdateUserPool", "GetUserPoolMfaConfig", "ListUserPoolClients", "ListResourceServers"} {
			_, err := n.call(t.Context(), op, body)
			wantError(t, op, err, "ResourceNotFoundException: User pool "+id+" does not exist.")
		}
		_, err = n.Load(t.Context(), id)
		wantError(t, "DescribeUserPool", err, "ResourceNotFoundException: User pool "+id+" does not exist.")
		_, _, err = n.LoadClient(t.Context(), client)
		wantError(t, "InitiateAuth", err, "ResourceNotFoundException: User pool client "+client+" does not exist.")
	})
}

func TestListPools(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		var want []string
		for range 5 {
			want = append(want, n.newPool(t, ""))
			n.clock.Pass(1e6)
		}
		if _, err := n.call(in(t, "eu-west-1"), "CreateUserPool", `{"PoolName":"elsewhere"}`); err != nil {
			t.Fatal(err)
		}
		var got []string
		body := `{"MaxResults":2}`
		for pages := 1; ; pages++ {
			page := n.do(t, "ListUserPools", body)
			for _, p := range at(page, "UserPools").([]any) {
				m := p.(map[string]any)
				got = append(got, m["Id"].(string))
				if diff := cmp.Diff([]any{"demo", map[string]any{}}, []any{m["Name"], m["LambdaConfig"]}); diff != "" {
					t.Error(diff)
				}
			}
			token, ok := page["NextToken"].(string)
			if !ok {
				if pages != 3 {
					t.Errorf("%d pages, want 3", pages)
				}
				break
			}
			body = `{"MaxResults":2,"NextToken":"` + token + `"}`
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for name, ctx := range map[string]string{"forged": "us-east-1", "of another Region": "eu-west-1"} {
			b := body
			if name == "forged" {
				b = `{"MaxResults":2,"NextToken":"bm90IG91cnM"}`
			}
			_, err := n.call(in(t, ctx), "ListUserPools", b)
			wantError(t, "ListUserPools", err, "InvalidParameterException: Invalid pagination token provided")
		}
		n.clock.Pass(3600e9)
		_, err := n.call(t.Context(), "ListUserPools", body)
		wantError(t, "ListUserPools", err, "InvalidParameterException: Invalid pagination token provided")
	})
}

func TestRegions(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	out, err := n.call(in(t, "eu-west-1"), "CreateUserPool", `{"PoolName":"p"}`)
	if err != nil {
		t.Fatal(err)
	}
	id := at(tree(t, out), "UserPool", "Id").(string)
	if want := "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/" + id; at(tree(t, out), "UserPool", "Arn") != want {
		t.Errorf("ARN %v, want %s", at(tree(t, out), "UserPool", "Arn"), want)
	}
	client := n.newClient(t, id, "")
	for _, tt := range []struct {
		region string
		seen   bool
	}{{"eu-west-1", true}, {"", true}, {"us-east-1", false}} {
		ctx := in(t, tt.region)
		_, err := n.Load(ctx, id)
		_, _, errClient := n.LoadClient(ctx, client)
		_, errDescribe := n.call(ctx, "DescribeUserPool", `{"UserPoolId":"`+id+`"}`)
		want, wantClient := "", ""
		if !tt.seen {
			want, wantClient = "ResourceNotFoundException: User pool "+id+" does not exist.", "ResourceNotFoundException: User pool client "+client+" does not exist."
		}
		wantError(t, "DescribeUserPool", err, want)
		wantError(t, "DescribeUserPool", errDescribe, want)
		wantError(t, "InitiateAuth", errClient, wantClient)
	}
}
