package branding

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/test/fresh"
)

const noID = "01234567-89ab-4cde-8f01-23456789abcd"

func (r *rig) createTerms(t *testing.T, poolID, clientID, name string, links map[string]string) *idp.TermsType {
	t.Helper()
	out, err := r.CreateTerms(t.Context(), &idp.CreateTermsRequest{
		UserPoolId: poolID, ClientId: clientID, TermsName: name, TermsSource: idp.TermsSourceTypeLink, Enforcement: idp.TermsEnforcementTypeNone, Links: links,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Terms
}

func TestTermsLife(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "")
		c, begin := r.client(t, p), r.clock.Now()
		created := r.createTerms(t, p, c, "terms-of-use", nil)
		want := &idp.TermsType{
			TermsId: created.TermsId, UserPoolId: p, ClientId: c, TermsName: "terms-of-use", TermsSource: "LINK", Enforcement: "NONE",
			Links: map[string]string{}, CreationDate: begin, LastModifiedDate: begin,
		}
		if d := gocmp.Diff(want, created); d != "" {
			t.Errorf("created (-want +got)\n%s", d)
		}
		other := r.createTerms(t, p, r.client(t, p), "terms-of-use", nil) // another client's

		r.clock.Pass(time.Minute)
		links := map[string]string{"cognito:default": "https://example.com/privacy"}
		updated, err := r.UpdateTerms(t.Context(), &idp.UpdateTermsRequest{UserPoolId: p, TermsId: created.TermsId, TermsName: new("privacy-policy"), Links: links})
		if err != nil {
			t.Fatal(err)
		}
		want.TermsName, want.Links, want.LastModifiedDate = "privacy-policy", links, r.clock.Now()
		if d := gocmp.Diff(want, updated.Terms); d != "" {
			t.Errorf("updated (-want +got)\n%s", d)
		}
		got, err := r.DescribeTerms(t.Context(), &idp.DescribeTermsRequest{UserPoolId: p, TermsId: created.TermsId})
		if err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(want, got.Terms); d != "" {
			t.Errorf("read (-want +got)\n%s", d)
		}
		byClient, err := r.DescribeTermsByClient(t.Context(), &idp.DescribeTermsByClientRequest{UserPoolId: p, ClientId: c, TermsName: "privacy-policy"})
		if err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(want, byClient.Terms); d != "" {
			t.Errorf("read by client (-want +got)\n%s", d)
		}

		second := r.createTerms(t, p, c, "terms-of-use", links) // The name is free again.
		_, err = r.UpdateTerms(t.Context(), &idp.UpdateTermsRequest{UserPoolId: p, TermsId: second.TermsId, TermsName: new("privacy-policy")})
		wantError(t, "UpdateTerms", err, "TermsExistsException: Terms privacy-policy already exist for the app client.")
		if err := r.DeleteTerms(t.Context(), &idp.DeleteTermsRequest{UserPoolId: p, TermsId: second.TermsId}); err != nil {
			t.Fatal(err)
		}
		if err := r.pools.DeleteUserPoolClient(t.Context(), &idp.DeleteUserPoolClientRequest{UserPoolId: p, ClientId: c}); err != nil {
			t.Fatal(err)
		}
		list, err := r.ListTerms(t.Context(), &idp.ListTermsRequest{UserPoolId: p})
		if err != nil || len(list.Terms) != 1 || list.Terms[0].TermsId != other.TermsId {
			t.Errorf("with the client its terms go: %+v, %v", list, err)
		}
	})
}

func TestListTerms(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := r.pool(t, "")
		want := map[string]bool{}
		for i := range maxTerms {
			c := r.client(t, p)
			want[r.createTerms(t, p, c, "privacy-policy", nil).TermsId] = true
			if i == maxTerms-1 {
				_, err := r.CreateTerms(t.Context(), &idp.CreateTermsRequest{UserPoolId: p, ClientId: c, TermsName: "terms-of-use"})
				wantError(t, "CreateTerms", err, fmt.Sprintf("LimitExceededException: Terms cannot exceed limit of %d in a user pool.", maxTerms))
			}
		}
		in := &idp.ListTermsRequest{UserPoolId: p, MaxResults: new(int32(15))}
		for pages := 1; ; pages++ {
			out, err := r.ListTerms(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range out.Terms {
				if !want[d.TermsId] || d.TermsName != "privacy-policy" || d.CreationDate.IsZero() {
					t.Errorf("%+v", d)
				}
				delete(want, d.TermsId)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				if pages != 3 || len(want) > 0 {
					t.Errorf("%d pages, without %v", pages, want)
				}
				return
			}
		}
	})
}

func TestTermsRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	p := r.pool(t, "")
	c := r.client(t, p)
	r.createTerms(t, p, c, "terms-of-use", nil)
	const (
		noPool   = "ResourceNotFoundException: User pool us-east-1_none does not exist."
		noClient = "ResourceNotFoundException: User pool client none does not exist."
		missing  = "ResourceNotFoundException: Terms " + noID + " do not exist."
	)
	create := func(poolID, clientID string) error {
		_, err := r.CreateTerms(t.Context(), &idp.CreateTermsRequest{UserPoolId: poolID, ClientId: clientID, TermsName: "terms-of-use"})
		return err
	}
	describe := func(poolID string) error {
		_, err := r.DescribeTerms(t.Context(), &idp.DescribeTermsRequest{UserPoolId: poolID, TermsId: noID})
		return err
	}
	byClient := func(poolID, clientID string) error {
		_, err := r.DescribeTermsByClient(t.Context(), &idp.DescribeTermsByClientRequest{UserPoolId: poolID, ClientId: clientID, TermsName: "privacy-policy"})
		return err
	}
	update := func(poolID string) error {
		_, err := r.UpdateTerms(t.Context(), &idp.UpdateTermsRequest{UserPoolId: poolID, TermsId: noID})
		return err
	}
	remove := func(poolID string) error {
		return r.DeleteTerms(t.Context(), &idp.DeleteTermsRequest{UserPoolId: poolID, TermsId: noID})
	}
	list := func(in *idp.ListTermsRequest) error {
		_, err := r.ListTerms(t.Context(), in)
		return err
	}
	for _, tt := range []struct {
		op, name string
		err      error
		want     string
	}{
		{"CreateTerms", "unknown pool", create("us-east-1_none", c), noPool},
		{"CreateTerms", "unknown client", create(p, "none"), noClient},
		{"CreateTerms", "existing", create(p, c), "TermsExistsException: Terms terms-of-use already exist for the app client."},
		{"DescribeTerms", "unknown pool", describe("us-east-1_none"), noPool},
		{"DescribeTerms", "unknown", describe(p), missing},
		{"DescribeTermsByClient", "unknown pool", byClient("us-east-1_none", c), noPool},
		{"DescribeTermsByClient", "unknown client", byClient(p, "none"), noClient},
		{"DescribeTermsByClient", "unknown", byClient(p, c), "ResourceNotFoundException: Terms privacy-policy do not exist."},
		{"UpdateTerms", "unknown pool", update("us-east-1_none"), noPool},
		{"UpdateTerms", "unknown", update(p), missing},
		{"DeleteTerms", "unknown pool", remove("us-east-1_none"), noPool},
		{"DeleteTerms", "unknown", remove(p), missing},
		{"ListTerms", "unknown pool", list(&idp.ListTermsRequest{UserPoolId: "us-east-1_none"}), noPool},
		{"ListTerms", "foreign token", list(&idp.ListTermsRequest{UserPoolId: p, NextToken: new("none")}), "InvalidParameterException: Invalid pagination token provided"},
	} {
		t.Run(tt.op+", "+tt.name, func(t *testing.T) { wantError(t, tt.op, tt.err, tt.want) })
	}
}

// TestTermsLinks has what the pages show. AWS's documentation: both documents must exist, and the default stands in for a
// language without a link.
func TestTermsLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	p := r.pool(t, "")
	c := r.client(t, p)
	terms := map[string]string{"cognito:default": "https://example.com/use", "cognito:german": "http://example.com/de/use", "cognito:dutch": "javascript:alert(1)"}
	r.createTerms(t, p, c, "terms-of-use", terms)
	if links, ok := r.appearance(t, p, c).TermsLinks("en"); ok {
		t.Errorf("with one document: %+v", links)
	}
	privacy := r.createTerms(t, p, c, "privacy-policy", map[string]string{"cognito:default": "https://example.com/privacy", "cognito:portuguese-brazil": "https://example.com/br/privacy"})
	for language, want := range map[string]TermsLinks{
		"en":    {"https://example.com/use", "https://example.com/privacy"},
		"de":    {"http://example.com/de/use", "https://example.com/privacy"},
		"pt-BR": {"https://example.com/use", "https://example.com/br/privacy"},
		"xx":    {"https://example.com/use", "https://example.com/privacy"},
		"nl":    {},
	} {
		links, ok := r.appearance(t, p, c).TermsLinks(language)
		if links != want || ok != (want != TermsLinks{}) {
			t.Errorf("%s: %+v, want %+v", language, links, want)
		}
	}
	links := map[string]string{"cognito:french": "https://example.com/fr"}
	if _, err := r.UpdateTerms(t.Context(), &idp.UpdateTermsRequest{UserPoolId: p, TermsId: strings.ToUpper(privacy.TermsId), Links: links}); err != nil {
		t.Fatal(err)
	}
	if links, ok := r.appearance(t, p, c).TermsLinks("en"); ok {
		t.Errorf("without a default: %+v", links)
	}
}
