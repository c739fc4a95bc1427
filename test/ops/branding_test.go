package ops_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/document"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	smithydocument "github.com/aws/smithy-go/document"
	"github.com/google/go-cmp/cmp"
)

// brandedPool makes a pool with a domain and an app client.
func brandedPool(t *testing.T, r rig) (poolID, clientID, domain string) {
	t.Helper()
	ctx := t.Context()
	poolID = *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("branded")})).UserPool.Id
	clientID = *must[*cip.CreateUserPoolClientOutput](t)(r.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: &poolID, ClientName: aws.String("web"),
	})).UserPoolClient.ClientId
	domain = strings.ToLower("brand-" + strings.ReplaceAll(t.Name(), "/", "-"))
	must[*cip.CreateUserPoolDomainOutput](t)(r.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: &poolID, Domain: &domain}))
	return poolID, clientID, domain
}

// TestUICustomization makes the calls of Terraform's aws_cognito_user_pool_ui_customization: it sets, reads back, removes
// by a request without settings, and reads again after the domain is gone.
func TestUICustomization(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID, clientID, domain := brandedPool(t, r)
		const css = ".label-customizable {font-weight: 400;}"
		image := []byte("\x89PNG\r\n\x1a\nlogo")
		set := must[*cip.SetUICustomizationOutput](t)(r.SetUICustomization(ctx, &cip.SetUICustomizationInput{UserPoolId: &poolID, ClientId: &clientID, CSS: aws.String(css), ImageFile: image}))
		read := func(clientID string) (*types.UICustomizationType, error) {
			out, err := r.GetUICustomization(ctx, &cip.GetUICustomizationInput{UserPoolId: &poolID, ClientId: &clientID})
			if err != nil {
				return nil, err
			}
			return out.UICustomization, nil
		}
		got := must[*types.UICustomizationType](t)(read(clientID))
		if *got.CSS != css || *got.ClientId != clientID || *got.CSSVersion != *set.UICustomization.CSSVersion || *got.ImageUrl != *set.UICustomization.ImageUrl || got.CreationDate == nil {
			t.Errorf("read back %+v", got)
		}
		res := must[*http.Response](t)(http.Get(*got.ImageUrl))
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK || res.ContentLength != int64(len(image)) {
			t.Errorf("the image: %v, %v", res, err)
		}
		_, err := r.SetUICustomization(ctx, &cip.SetUICustomizationInput{UserPoolId: &poolID, ClientId: aws.String("ALL"), CSS: aws.String("@import 'x';")})
		wantError(t, err, &types.InvalidParameterException{Message: aws.String("Invalid CSS: line 1: at-rules are not allowed")})

		must[*cip.SetUICustomizationOutput](t)(r.SetUICustomization(ctx, &cip.SetUICustomizationInput{UserPoolId: &poolID, ClientId: &clientID}))
		if _, text := r.post(t, "GetUICustomization", `{"UserPoolId":"`+poolID+`","ClientId":"`+clientID+`"}`); text != `{"UICustomization":{}}` {
			t.Errorf("after the removal: %s", text)
		}
		must[*cip.DeleteUserPoolDomainOutput](t)(r.DeleteUserPoolDomain(ctx, &cip.DeleteUserPoolDomainInput{UserPoolId: &poolID, Domain: &domain}))
		_, err = read("ALL")
		wantError(t, err, &types.InvalidParameterException{Message: aws.String("There has to be an existing domain associated with this user pool")})
	})
}

func TestTerms(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID, clientID, _ := brandedPool(t, r)
		create := &cip.CreateTermsInput{
			UserPoolId: &poolID, ClientId: &clientID, TermsName: aws.String("terms-of-use"), TermsSource: types.TermsSourceTypeLink, Enforcement: types.TermsEnforcementTypeNone,
			Links: map[string]string{"cognito:default": "https://example.com/use", "cognito:german": "https://example.com/de/use"},
		}
		created := must[*cip.CreateTermsOutput](t)(r.CreateTerms(ctx, create)).Terms
		_, err := r.CreateTerms(ctx, create)
		wantType[*types.TermsExistsException](t, err)

		updated := must[*cip.UpdateTermsOutput](t)(r.UpdateTerms(ctx, &cip.UpdateTermsInput{UserPoolId: &poolID, TermsId: created.TermsId, Links: map[string]string{"cognito:default": "https://example.com/new"}})).Terms
		got := must[*cip.DescribeTermsOutput](t)(r.DescribeTerms(ctx, &cip.DescribeTermsInput{UserPoolId: &poolID, TermsId: created.TermsId})).Terms
		if len(got.Links) != 1 || got.Links["cognito:default"] != "https://example.com/new" || !got.LastModifiedDate.Equal(*updated.LastModifiedDate) || *got.ClientId != clientID {
			t.Errorf("read back %+v", got)
		}
		list := must[*cip.ListTermsOutput](t)(r.ListTerms(ctx, &cip.ListTermsInput{UserPoolId: &poolID})).Terms
		if len(list) != 1 || *list[0].TermsId != *created.TermsId || *list[0].TermsName != "terms-of-use" {
			t.Errorf("listed %+v", list)
		}
		byClient := `{"UserPoolId":"` + poolID + `","ClientId":"` + clientID + `","TermsName":"terms-of-use"}` // newer than the SDK
		if res, text := r.post(t, "DescribeTermsByClient", byClient); res.StatusCode != http.StatusOK || !strings.Contains(text, *created.TermsId) {
			t.Errorf("by client: %d %s", res.StatusCode, text)
		}
		must[*cip.DeleteTermsOutput](t)(r.DeleteTerms(ctx, &cip.DeleteTermsInput{UserPoolId: &poolID, TermsId: created.TermsId}))
		_, err = r.DescribeTerms(ctx, &cip.DescribeTermsInput{UserPoolId: &poolID, TermsId: created.TermsId})
		wantType[*types.ResourceNotFoundException](t, err)
		if res, text := r.post(t, "DescribeTermsByClient", byClient); res.StatusCode != http.StatusBadRequest || !strings.Contains(text, "ResourceNotFoundException") {
			t.Errorf("by client, after the deletion: %d %s", res.StatusCode, text)
		}
	})
}

// TestManagedLoginBranding makes the calls of Terraform's aws_cognito_managed_login_branding: it creates, reads back by id
// with and without merged resources, changes and deletes. What was sent is read back as it was, or it would be planned
// again.
func TestManagedLoginBranding(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID, clientID, _ := brandedPool(t, r)
		settings := map[string]any{"components": map[string]any{"form": map[string]any{"borderRadius": 4.5, "lightMode": map[string]any{"borderColor": "00FF00ff"}}}}
		picture := func(size int) []byte { return append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, size-8)...) }
		create := &cip.CreateManagedLoginBrandingInput{
			UserPoolId: &poolID, ClientId: &clientID, Settings: document.NewLazyDocument(settings),
			Assets: []types.AssetType{{Category: types.AssetCategoryTypePageBackground, ColorMode: types.ColorSchemeModeTypeDark, Extension: types.AssetExtensionTypePng, Bytes: picture(1_000_000)}},
		}
		id := must[*cip.CreateManagedLoginBrandingOutput](t)(r.CreateManagedLoginBranding(ctx, create)).ManagedLoginBranding.ManagedLoginBrandingId
		_, err := r.CreateManagedLoginBranding(ctx, create)
		wantType[*types.ManagedLoginBrandingExistsException](t, err)

		read := func(merged bool) (*types.ManagedLoginBrandingType, map[string]any) {
			t.Helper()
			out := must[*cip.DescribeManagedLoginBrandingOutput](t)(r.DescribeManagedLoginBranding(ctx, &cip.DescribeManagedLoginBrandingInput{
				UserPoolId: &poolID, ManagedLoginBrandingId: id, ReturnMergedResources: merged,
			})).ManagedLoginBranding
			var tree map[string]any
			if err := out.Settings.UnmarshalSmithyDocument(&tree); err != nil {
				t.Fatal(err)
			}
			return out, tree
		}
		got, tree := read(false)
		if d := cmp.Diff(settings, plain(tree)); d != "" || got.UseCognitoProvidedValues || !cmp.Equal(got.Assets[0].Bytes, create.Assets[0].Bytes) {
			t.Errorf("read back %t, settings (-want +got)\n%s", got.UseCognitoProvidedValues, d)
		}
		if _, tree = read(true); len(tree) != 3 {
			t.Errorf("merged: %v", tree)
		}

		// A request of 2 MB is accepted.
		asset := create.Assets[0]
		asset.ColorMode, asset.Bytes = types.ColorSchemeModeTypeLight, picture(500_000)
		update := &cip.UpdateManagedLoginBrandingInput{UserPoolId: &poolID, ManagedLoginBrandingId: id, Assets: []types.AssetType{create.Assets[0], asset}}
		if out := must[*cip.UpdateManagedLoginBrandingOutput](t)(r.UpdateManagedLoginBranding(ctx, update)); len(out.ManagedLoginBranding.Assets) != 2 {
			t.Errorf("%d assets", len(out.ManagedLoginBranding.Assets))
		}
		update.Assets = []types.AssetType{{Category: types.AssetCategoryTypeFormLogo, ColorMode: types.ColorSchemeModeTypeDark, Extension: types.AssetExtensionTypeSvg,
			Bytes: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)}}
		_, err = r.UpdateManagedLoginBranding(ctx, update)
		wantError(t, err, &types.InvalidParameterException{Message: aws.String(`Invalid asset FORM_LOGO (DARK): the element "script" is not allowed.`)})

		must[*cip.DeleteManagedLoginBrandingOutput](t)(r.DeleteManagedLoginBranding(ctx, &cip.DeleteManagedLoginBrandingInput{UserPoolId: &poolID, ManagedLoginBrandingId: id}))
		_, err = r.DescribeManagedLoginBrandingByClient(ctx, &cip.DescribeManagedLoginBrandingByClientInput{UserPoolId: &poolID, ClientId: &clientID})
		wantType[*types.ResourceNotFoundException](t, err)
	})
}

// plain replaces the SDK's numbers in a tree.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = plain(inner)
		}
	case smithydocument.Number:
		f, _ := strconv.ParseFloat(v.String(), 64)
		return f
	}
	return v
}
