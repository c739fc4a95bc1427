package ops_test

import (
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/federation/saml"
)

// TestIAMOpenIDProviders makes the calls of Terraform's aws_iam_openid_connect_provider.
func TestIAMOpenIDProviders(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c := t.Context(), r.iam()
		made := must[*iam.CreateOpenIDConnectProviderOutput](t)(c.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
			Url: aws.String("https://login.example.com/Tenant/"), ClientIDList: []string{"app"}, Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		}))
		arn := made.OpenIDConnectProviderArn
		if *arn != "arn:aws:iam::123456789012:oidc-provider/login.example.com/Tenant" {
			t.Errorf("provider %s", *arn)
		}
		_, err := c.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://login.example.com/Tenant")})
		wantCode(t, err, "EntityAlreadyExists", "Provider with url https://login.example.com/Tenant already exists.")
		_, err = c.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("http://login.example.com")})
		wantCode(t, err, "InvalidInput", "Invalid Open ID Connect Provider URL")

		get := func() *iam.GetOpenIDConnectProviderOutput {
			return must[*iam.GetOpenIDConnectProviderOutput](t)(c.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}))
		}
		got := get()
		if *got.Url != "login.example.com/Tenant" || !slices.Equal(got.ClientIDList, []string{"app"}) || len(got.ThumbprintList) != 1 || len(got.Tags) != 1 {
			t.Errorf("provider %s", asJSON(t, got))
		}
		if diff := cmp.Diff(got.ThumbprintList, get().ThumbprintList); diff != "" {
			t.Errorf("drift: %s", diff)
		}
		must[*iam.AddClientIDToOpenIDConnectProviderOutput](t)(c.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("web")}))
		must[*iam.RemoveClientIDFromOpenIDConnectProviderOutput](t)(c.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("app")}))
		thumb := strings.Repeat("0a", 20)
		must[*iam.UpdateOpenIDConnectProviderThumbprintOutput](t)(c.UpdateOpenIDConnectProviderThumbprint(ctx, &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: arn, ThumbprintList: []string{thumb}}))
		_, err = c.UpdateOpenIDConnectProviderThumbprint(ctx, &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: arn, ThumbprintList: []string{}})
		wantCode(t, err, "InvalidInput", "Thumbprint list must not be empty.")
		must[*iam.TagOpenIDConnectProviderOutput](t)(c.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, Tags: []iamtypes.Tag{{Key: aws.String("l"), Value: aws.String("v")}}}))
		must[*iam.UntagOpenIDConnectProviderOutput](t)(c.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, TagKeys: []string{"k"}}))
		tags := must[*iam.ListOpenIDConnectProviderTagsOutput](t)(c.ListOpenIDConnectProviderTags(ctx, &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: arn})).Tags
		if got = get(); !slices.Equal(got.ClientIDList, []string{"web"}) || !slices.Equal(got.ThumbprintList, []string{thumb}) || len(tags) != 1 || *tags[0].Key != "l" {
			t.Errorf("changed provider %s", asJSON(t, got))
		}
		list := must[*iam.ListOpenIDConnectProvidersOutput](t)(c.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})).OpenIDConnectProviderList
		if !slices.ContainsFunc(list, func(e iamtypes.OpenIDConnectProviderListEntry) bool { return *e.Arn == *arn }) {
			t.Errorf("providers %s", asJSON(t, list))
		}
		for range 2 { // The second is no error, as AWS documents.
			must[*iam.DeleteOpenIDConnectProviderOutput](t)(c.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}))
		}
		_, err = c.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
		wantCode(t, err, "NoSuchEntity", "OpenIDConnect Provider not found for arn "+*arn)
	})
}

// accountMetadata is the metadata of a SAML provider with a key of its own, as long as IAM wants it.
func accountMetadata(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := saml.NewSigningCertificate(key, "idp.example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com/saml"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` + certificate + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor>` +
		`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>`
}

func TestIAMSAMLProviders(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c := t.Context(), r.iam()
		metadata := accountMetadata(t)
		arn := must[*iam.CreateSAMLProviderOutput](t)(c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("corp"), SAMLMetadataDocument: &metadata})).SAMLProviderArn
		if *arn != "arn:aws:iam::123456789012:saml-provider/corp" {
			t.Errorf("provider %s", *arn)
		}
		_, err := c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("corp"), SAMLMetadataDocument: &metadata})
		wantCode(t, err, "EntityAlreadyExists", "SAMLProvider with name corp already exists.")
		_, err = c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("bad"), SAMLMetadataDocument: aws.String(strings.Repeat("<x>", 400))})
		wantCode(t, err, "InvalidInput", "Could not parse metadata")
		_, err = c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("bad"), SAMLMetadataDocument: &metadata, AssertionEncryptionMode: iamtypes.AssertionEncryptionModeTypeRequired})
		wantCode(t, err, "InvalidInput", "Encrypted assertions are not available in this version of Cognate")
		must[*iam.UpdateSAMLProviderOutput](t)(c.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: arn, SAMLMetadataDocument: aws.String(metadata + "\n")}))
		must[*iam.TagSAMLProviderOutput](t)(c.TagSAMLProvider(ctx, &iam.TagSAMLProviderInput{SAMLProviderArn: arn, Tags: []iamtypes.Tag{{Key: aws.String("a"), Value: aws.String("v")}, {Key: aws.String("b"), Value: aws.String("v")}}}))
		must[*iam.UntagSAMLProviderOutput](t)(c.UntagSAMLProvider(ctx, &iam.UntagSAMLProviderInput{SAMLProviderArn: arn, TagKeys: []string{"a"}}))
		tags := must[*iam.ListSAMLProviderTagsOutput](t)(c.ListSAMLProviderTags(ctx, &iam.ListSAMLProviderTagsInput{SAMLProviderArn: arn})).Tags
		got := must[*iam.GetSAMLProviderOutput](t)(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: arn}))
		if *got.SAMLMetadataDocument != metadata+"\n" || len(tags) != 1 || len(got.Tags) != 1 {
			t.Errorf("provider %s", asJSON(t, got))
		}
		if list := must[*iam.ListSAMLProvidersOutput](t)(c.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})).SAMLProviderList; len(list) != 1 || *list[0].Arn != *arn {
			t.Errorf("providers %s", asJSON(t, list))
		}
		must[*iam.DeleteSAMLProviderOutput](t)(c.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: arn}))
		_, err = c.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: arn})
		wantCode(t, err, "NoSuchEntity", "Manifest not found for arn "+*arn)
	})
}

func TestIAMSimulation(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c := t.Context(), r.iam()
		const object = "arn:aws:s3:::b/ada/x"
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`
		decide := func(out *iam.SimulateCustomPolicyOutput) []string {
			var list []string
			for _, e := range out.EvaluationResults {
				list = append(list, *e.EvalActionName+" "+string(e.EvalDecision))
			}
			return list
		}
		out := must[*iam.SimulateCustomPolicyOutput](t)(c.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{text}, ActionNames: []string{"s3:GetObject", "s3:DeleteObject", "sqs:SendMessage"}, ResourceArns: []string{object},
			ContextEntries: []iamtypes.ContextEntry{{ContextKeyName: aws.String("aws:username"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{"ada"}}},
		}))
		if diff := cmp.Diff([]string{"s3:GetObject allowed", "s3:DeleteObject explicitDeny", "sqs:SendMessage implicitDeny"}, decide(out)); diff != "" {
			t.Error(diff)
		}
		if m := out.EvaluationResults[1].MatchedStatements; len(m) != 1 || *m[0].SourcePolicyId != "PolicyInputList.1" || m[0].StartPosition.Column < 100 {
			t.Errorf("statements %s", asJSON(t, m))
		}
		out = must[*iam.SimulateCustomPolicyOutput](t)(c.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{PolicyInputList: []string{text}, ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{object}}))
		if e := out.EvaluationResults[0]; e.EvalDecision != iamtypes.PolicyEvaluationDecisionTypeImplicitDeny || !slices.Equal(e.MissingContextValues, []string{"aws:username"}) {
			t.Errorf("result %s", asJSON(t, e))
		}
		_, err := c.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{PolicyInputList: []string{"{}"}, ActionNames: []string{"s3:GetObject"}})
		wantCode(t, err, "InvalidInput", "Invalid policy PolicyInputList.1: Syntax errors in policy.")
		keys := must[*iam.GetContextKeysForCustomPolicyOutput](t)(c.GetContextKeysForCustomPolicy(ctx, &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{text}})).ContextKeyNames
		if !slices.Equal(keys, []string{"aws:username"}) {
			t.Errorf("keys %v", keys)
		}
		_, err = c.GetContextKeysForCustomPolicy(ctx, &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{"{}"}})
		wantType[*iamtypes.InvalidInputException](t, err)

		role := aws.String("simulated")
		must[*iam.CreateRoleOutput](t)(c.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: role, AssumeRolePolicyDocument: aws.String(trustAccount), PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
		}))
		must[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
		arn := aws.String("arn:aws:iam::123456789012:role/simulated")
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: arn, ActionNames: []string{"s3:GetObject", "s3:PutObject"}, MaxItems: aws.Int32(1)}
		first := must[*iam.SimulatePrincipalPolicyOutput](t)(c.SimulatePrincipalPolicy(ctx, in))
		in.Marker = first.Marker
		second := must[*iam.SimulatePrincipalPolicyOutput](t)(c.SimulatePrincipalPolicy(ctx, in))
		if !first.IsTruncated || first.EvaluationResults[0].EvalDecision != "allowed" || second.EvaluationResults[0].EvalDecision != "implicitDeny" ||
			second.EvaluationResults[0].PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary || second.IsTruncated {
			t.Errorf("results %s %s", asJSON(t, first), asJSON(t, second))
		}
		_, err = c.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(*arn + "x"), ActionNames: []string{"s3:GetObject"}})
		wantCode(t, err, "NoSuchEntity", "The principal "+*arn+"x cannot be found.")
		names := must[*iam.GetContextKeysForPrincipalPolicyOutput](t)(c.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: arn, PolicyInputList: []string{text}})).ContextKeyNames
		if len(names) != 1 {
			t.Errorf("keys %v", names)
		}
		_, err = c.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: aws.String("arn:aws:s3:::bucket/not-an-entity")})
		wantType[*iamtypes.InvalidInputException](t, err)
	})
}

// TestIAMAccount has no refusals: the operations take no input that could be wrong.
func TestIAMAccount(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c := t.Context(), r.iam()
		summary := must[*iam.GetAccountSummaryOutput](t)(c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})).SummaryMap
		if _, counted := summary["Users"]; !counted || summary["PolicySizeQuota"] != 6144 {
			t.Errorf("summary %v", summary)
		}
		if aliases := must[*iam.ListAccountAliasesOutput](t)(c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})); len(aliases.AccountAliases) != 0 || aliases.IsTruncated {
			t.Errorf("aliases %v", aliases)
		}
	})
}
