package ops_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

// describe returns a pool as it is on the wire, so that what is absent is seen.
func (r rig) describe(t *testing.T, pool string) map[string]any {
	t.Helper()
	res, text := r.post(t, "DescribeUserPool", `{"UserPoolId":"`+pool+`"}`)
	var out struct{ UserPool map[string]any }
	if err := json.Unmarshal([]byte(text), &out); err != nil || res.StatusCode != 200 {
		t.Fatalf("%d %s %v", res.StatusCode, text, err)
	}
	return out.UserPool
}

// TestDescribeUserPool holds the defaults of a new pool, key by key, and the
// order and limits of its schema.
func TestDescribeUserPool(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		created := must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("demo")})).UserPool
		got := r.describe(t, *created.Id)
		schema, _ := got["SchemaAttributes"].([]any)
		for _, key := range []string{"CreationDate", "LastModifiedDate"} {
			if _, ok := got[key].(float64); !ok {
				t.Errorf("%s is %v", key, got[key])
			}
			delete(got, key)
		}
		delete(got, "SchemaAttributes")
		var want map[string]any
		text := fmt.Sprintf(`{"Id":%q,"Name":"demo","Arn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/%s","DeletionProtection":"INACTIVE",
			"Policies":{"PasswordPolicy":{"MinimumLength":8,"RequireUppercase":true,"RequireLowercase":true,"RequireNumbers":true,"RequireSymbols":true,
			"TemporaryPasswordValidityDays":7},"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD"]}},"LambdaConfig":{},
			"VerificationMessageTemplate":{"DefaultEmailOption":"CONFIRM_WITH_CODE"},"MfaConfiguration":"OFF","EstimatedNumberOfUsers":0,
			"EmailConfiguration":{"EmailSendingAccount":"COGNITO_DEFAULT"},"UserPoolTags":{},
			"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":false,"UnusedAccountValidityDays":7},
			"AccountRecoverySetting":{"RecoveryMechanisms":[{"Priority":1,"Name":"verified_email"},{"Priority":2,"Name":"verified_phone_number"}]},
			"UserPoolTier":"ESSENTIALS","AcrConfiguration":{"Level1":{"AcrValue":"urn:cognito:loa:1"},"Level2":{"AcrValue":"urn:cognito:loa:2"},
			"Level3":{"AcrValue":"urn:cognito:loa:3"},"Level4":{"AcrValue":"urn:cognito:loa:4"}}}`, *created.Id, *created.Id)
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		var names []string
		for _, a := range schema {
			names = append(names, a.(map[string]any)["Name"].(string))
		}
		order := []string{
			"profile", "address", "birthdate", "gender", "preferred_username", "updated_at", "website", "picture", "identities", "sub", "phone_number",
			"phone_number_verified", "zoneinfo", "locale", "email", "email_verified", "given_name", "family_name", "middle_name", "name", "nickname",
		}
		if d := cmp.Diff(order, names); d != "" {
			t.Errorf("schema (-want +got)\n%s", d)
		}
		_, err := r.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: aws.String(unknownPool)})
		wantError(t, err, noPool(unknownPool))
	})
}

// TestUpdateUserPool is Cognito's table of what becomes of a member that an
// update leaves out.
func TestUpdateUserPool(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
			PoolName: aws.String("before"), AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"},
			Policies:                 &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(12), RequireNumbers: true}},
			DeletionProtection:       types.DeletionProtectionTypeActive,
			UserPoolTier:             types.UserPoolTierTypePlus,
			UserPoolTags:             map[string]string{"a": "1"},
			UserPoolAddOns:           &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeOff},
			AliasAttributes:          []types.AliasAttributeType{"email"},
			UsernameConfiguration:    &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
			SmsConfiguration:         &types.SmsConfigurationType{SnsCallerArn: aws.String("arn:aws:iam::123456789012:role/sms")},
			EmailVerificationMessage: aws.String("code {####}"), EmailVerificationSubject: aws.String("subject"), SmsVerificationMessage: aws.String("code {####}"),
			SmsAuthenticationMessage: aws.String("auth {####}"),
			AdminCreateUserConfig:    &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
			EmailConfiguration:       &types.EmailConfigurationType{ReplyToEmailAddress: aws.String("help@example.com")},
			AccountRecoverySetting:   &types.AccountRecoverySettingType{RecoveryMechanisms: []types.RecoveryOptionType{{Name: "admin_only", Priority: aws.Int32(1)}}},
		})).UserPool.Id
		before := r.describe(t, pool)
		must[*cip.UpdateUserPoolOutput](t)(r.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &pool}))
		after := r.describe(t, pool)
		fresh := r.describe(t, r.pool(t, func(in *cip.CreateUserPoolInput) { in.AutoVerifiedAttributes = nil }))
		for _, key := range []string{"Name", "Policies", "UserPoolTier", "UserPoolTags", "MfaConfiguration", "AliasAttributes", "UsernameConfiguration", "SchemaAttributes", "CreationDate", "Arn"} {
			if d := cmp.Diff(before[key], after[key]); d != "" {
				t.Errorf("%s is to be kept (-before +after)\n%s", key, d)
			}
		}
		for _, key := range []string{
			"AutoVerifiedAttributes", "UserPoolAddOns", "DeviceConfiguration", "LambdaConfig", "EmailConfiguration", "SmsConfiguration",
			"EmailVerificationMessage", "EmailVerificationSubject", "SmsVerificationMessage", "SmsAuthenticationMessage", "VerificationMessageTemplate",
			"AdminCreateUserConfig", "AccountRecoverySetting", "DeletionProtection",
		} {
			if d := cmp.Diff(fresh[key], after[key]); d != "" {
				t.Errorf("%s is to be as in a new pool (-new +after)\n%s", key, d)
			}
		}
		if before["LastModifiedDate"].(float64) > after["LastModifiedDate"].(float64) {
			t.Error("LastModifiedDate went back")
		}

		// What must be verified before an update is kept, and needs what is verified at all.
		second := r.pool(t, func(in *cip.CreateUserPoolInput) {
			in.UserAttributeUpdateSettings = &types.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{"email"}}
		})
		was := r.describe(t, second)["UserAttributeUpdateSettings"]
		must[*cip.UpdateUserPoolOutput](t)(r.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &second, AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"}}))
		if d := cmp.Diff(was, r.describe(t, second)["UserAttributeUpdateSettings"]); d != "" {
			t.Errorf("UserAttributeUpdateSettings is to be kept (-before +after)\n%s", d)
		}
		_, err := r.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &second})
		wantType[*types.InvalidParameterException](t, err)

		// A policy that is sent replaces the old one whole.
		must[*cip.UpdateUserPoolOutput](t)(r.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &pool, PoolName: aws.String("after"),
			Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(9)}}}))
		p := must[*cip.DescribeUserPoolOutput](t)(r.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &pool})).UserPool
		if policy := p.Policies.PasswordPolicy; *policy.MinimumLength != 9 || policy.RequireNumbers || policy.TemporaryPasswordValidityDays != 7 || *p.Name != "after" {
			t.Errorf("%+v", policy)
		}
		for _, row := range []struct {
			in   cip.UpdateUserPoolInput
			want error
		}{
			{cip.UpdateUserPoolInput{UserPoolId: aws.String(unknownPool)}, noPool(unknownPool)},
			{cip.UpdateUserPoolInput{UserPoolId: &pool, MfaConfiguration: types.UserPoolMfaTypeOn}, invalid("Cannot turn MFA functionality ON, once the user pool has been created.")},
		} {
			_, err := r.UpdateUserPool(t.Context(), &row.in)
			wantError(t, err, row.want)
		}
	})
}

func TestDeleteUserPool(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t, func(in *cip.CreateUserPoolInput) { in.DeletionProtection = types.DeletionProtectionTypeActive })
		remove := func(pool string) error {
			_, err := r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &pool})
			return err
		}
		wantError(t, remove(pool), invalid("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first."))
		must[*cip.UpdateUserPoolOutput](t)(r.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &pool, DeletionProtection: types.DeletionProtectionTypeInactive}))
		domain := aws.String("delete-user-pool")
		must[*cip.CreateUserPoolDomainOutput](t)(r.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: domain}))
		wantError(t, remove(pool), invalid("User pool cannot be deleted. It has a domain configured that should be deleted first."))
		must[*cip.DeleteUserPoolDomainOutput](t)(r.DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: domain}))
		wantError(t, remove(pool), nil)
		wantError(t, remove(pool), noPool(pool))
		wantError(t, remove(unknownPool), noPool(unknownPool))
	})
}

// TestCreateUserPool has settings that contradict each other, and those that
// this version refuses since nothing would act upon them.
func TestCreateUserPool(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		for _, row := range []struct {
			name string
			in   cip.CreateUserPoolInput
			want error
		}{
			{"aliases and username attributes", cip.CreateUserPoolInput{AliasAttributes: []types.AliasAttributeType{"email"}, UsernameAttributes: []types.UsernameAttributeType{"email"}},
				invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")},
			{"MFA without SMS", cip.CreateUserPoolInput{MfaConfiguration: types.UserPoolMfaTypeOn}, invalid("SMS configuration and Auto verification for phone_number are required when MFA is required/optional")},
			{"required custom attribute", cip.CreateUserPoolInput{Schema: []types.SchemaAttributeType{{Name: aws.String("x"), AttributeDataType: "String", Required: aws.Bool(true)}}},
				invalid("Required custom attributes are not supported currently.")},
			{"custom attribute without a type", cip.CreateUserPoolInput{Schema: []types.SchemaAttributeType{{Name: aws.String("x")}}},
				invalid("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.")},
			{"aws: tag", cip.CreateUserPoolInput{UserPoolTags: map[string]string{"aws:x": "1"}}, nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				row.in.PoolName = aws.String("p")
				_, err := r.CreateUserPool(t.Context(), &row.in)
				if row.want == nil {
					wantType[*types.UserPoolTaggingException](t, err)
					return
				}
				wantError(t, err, row.want)
			})
		}
	})
}
