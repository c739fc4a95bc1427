package token

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestGolden holds every claim of both tokens to testdata.
func TestGolden(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	plain := r.client(t, sn, nil)
	for _, test := range []struct {
		name   string
		client func(*idp.CreateUserPoolClientRequest)
		grant  func(*Grant)
	}{
		{name: "plain"},
		{name: "no-revocation", client: func(in *idp.CreateUserPoolClientRequest) { in.EnableTokenRevocation = new(false) }},
		{name: "rotation-without-revocation", client: func(in *idp.CreateUserPoolClientRequest) {
			in.EnableTokenRevocation = new(false)
			in.RefreshTokenRotation = &idp.RefreshTokenRotationType{Feature: idp.FeatureTypeEnabled}
		}},
		{name: "lifetimes", client: func(in *idp.CreateUserPoolClientRequest) {
			in.AccessTokenValidity, in.IdTokenValidity, in.RefreshTokenValidity = new(int32(10)), new(int32(2)), new(int32(90))
			in.TokenValidityUnits = &idp.TokenValidityUnitsType{
				AccessToken: idp.TimeUnitsTypeMinutes, IdToken: idp.TimeUnitsTypeHours, RefreshToken: idp.TimeUnitsTypeDays,
			}
		}},
		{name: "groups", grant: func(g *Grant) {
			g.Subject.Groups = []Group{
				{Name: "zebras"}, {Name: "staff", Precedence: new(int32(5)), RoleARN: "arn:aws:iam::123456789012:role/staff"},
				{Name: "admins", Precedence: new(int32(1)), RoleARN: "arn:aws:iam::123456789012:role/admins"},
			}
		}},
		{name: "attributes", grant: func(g *Grant) {
			g.Subject.Attributes = map[string]string{
				"email": "alice@example.com", "email_verified": "true", "phone_number": "+12065550100",
				"address": "1 Main \"Street\"\nTown <x>", "updated_at": "1700000000", "name": "Ål ice", "birthdate": "2000-01-01",
				"custom:plan": "7", "custom:flag": "true", "cognito:groups": "forged", "token_use": "forged", "sub": "forged",
				"dev:custom:note": "secret",
				"identities":      `[{"userId":"1","providerName":"Google","providerType":"Google","issuer":null,"primary":true,"dateCreated":1642699117273}]`,
			}
		}},
		{name: "read-attributes", client: func(in *idp.CreateUserPoolClientRequest) { in.ReadAttributes = []string{"email", "name"} }, grant: func(g *Grant) {
			g.Subject.Attributes = map[string]string{"email": "alice@example.com", "email_verified": "true", "name": "Alice", "nickname": "al"}
		}},
		{name: "refresh", grant: func(g *Grant) {
			g.AuthTime = g.AuthTime.Add(-time.Hour)
			g.Origin, g.EventID = "5a2a2c50-7f6b-4a57-9b0e-8b0c4f1f4f0a", "0d5f1f4e-3b7a-4a7e-9c57-8d0a6a1d2a11"
		}},
		{name: "context", grant: func(g *Grant) { g.ACR, g.AMR = "urn:cognito:loa:4", []string{"pwd", "otp", "mfa"} }},
		{name: "device", grant: func(g *Grant) { g.DeviceKey = "us-east-1_1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d" }},
		{name: "oauth", grant: func(g *Grant) {
			g.OAuth, g.Scopes, g.Nonce, g.Resource = true, []string{"openid", "email", "api/read"}, "n-0S6_WzA2Mj", "https://api.example.com"
			g.DeviceKey = "us-east-1_1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
			g.Subject.Attributes = map[string]string{"email": "alice@example.com", "name": "Alice"}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := plain
			if test.client != nil {
				c = r.client(t, sn, test.client)
			}
			g := Grant{
				Pool: sn, Client: c, AuthTime: r.now(), WithRefresh: true,
				Origin: "5a2a2c50-7f6b-4a57-9b0e-8b0c4f1f4f0a", EventID: "0d5f1f4e-3b7a-4a7e-9c57-8d0a6a1d2a11",
				Subject: Subject{UserID: "34c84488-e0e1-70ae-d2ee-991ad1a898c8", Username: "alice"},
			}
			if test.grant != nil {
				test.grant(&g)
			}
			set := r.issue(t, g)
			body := bytes.Join([][]byte{
				golden(t, "access", set.AccessToken, sn.ID, c.ID), golden(t, "id", set.IDToken, sn.ID, c.ID),
			}, []byte("\n"))
			file := filepath.Join("testdata", test.name+".golden")
			if *update {
				if err := os.WriteFile(file, body, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(body)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// golden writes a token legibly, with names for what differs from run to run.
func golden(t *testing.T, name, token, poolID, clientID string) []byte {
	t.Helper()
	var header struct{ KID, Alg string }
	if err := json.Unmarshal(part(t, token, 0), &header); err != nil {
		t.Fatal(err)
	}
	if len(header.KID) != 44 || header.Alg != "RS256" || !bytes.Equal(part(t, token, 0), []byte(`{"kid":"`+header.KID+`","alg":"RS256"}`)) {
		t.Errorf("header %s", part(t, token, 0))
	}
	payload := string(part(t, token, 1))
	c := claimsOf(t, token)
	for claim, as := range map[string]string{"jti": "JTI", "at_hash": "AT_HASH"} {
		if v, ok := c[claim].(string); ok {
			payload = strings.ReplaceAll(payload, v, as)
		}
	}
	payload = strings.NewReplacer(poolID, "POOL", clientID, "CLIENT").Replace(payload)
	var out bytes.Buffer
	out.WriteString(name + " ")
	if err := json.Indent(&out, []byte(payload), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, payload)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// TestAccessTokenHash checks at_hash against the example of a certified provider:
// the left half of SHA-256.
func TestAccessTokenHash(t *testing.T) {
	t.Parallel()
	// SHA-256("abc") begins ba7816bf 8f01cfea 414140de 5dae2223.
	if got, want := accessTokenHash("abc"), "ungWv48Bz-pBQUDeXa4iIw"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	one, two := new(int32(1)), new(int32(2))
	for _, test := range []struct {
		name      string
		groups    []Group
		order     string
		roles     string
		preferred string
	}{
		{name: "none"},
		{name: "no role", groups: []Group{{Name: "a"}}, order: "a"},
		{name: "only one", groups: []Group{{Name: "a", RoleARN: "r"}}, order: "a", roles: "r", preferred: "r"},
		{name: "zero is best", groups: []Group{{Name: "a", RoleARN: "x", Precedence: one}, {Name: "b", RoleARN: "y", Precedence: new(int32(0))}}, order: "b a", roles: "y x", preferred: "y"},
		{name: "none is worst", groups: []Group{{Name: "a", RoleARN: "x"}, {Name: "b", RoleARN: "y", Precedence: two}}, order: "b a", roles: "y x", preferred: "y"},
		{name: "tie of two roles", groups: []Group{{Name: "a", RoleARN: "x", Precedence: one}, {Name: "b", RoleARN: "y", Precedence: one}}, order: "a b", roles: "x y"},
		{name: "tie of one role", groups: []Group{{Name: "b", RoleARN: "x", Precedence: one}, {Name: "a", RoleARN: "x", Precedence: one}}, order: "a b", roles: "x", preferred: "x"},
		{name: "best without role", groups: []Group{{Name: "a", Precedence: one}, {Name: "b", RoleARN: "y", Precedence: two}}, order: "a b", roles: "y", preferred: "y"},
		{name: "tie below the best", groups: []Group{{Name: "a", RoleARN: "x", Precedence: one}, {Name: "b", RoleARN: "y", Precedence: two}, {Name: "c", RoleARN: "z", Precedence: two}}, order: "a b c", roles: "x y z", preferred: "x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			sorted := sortGroups(test.groups)
			roles, preferred := rolesOf(sorted)
			got := strings.Join(groupNames(sorted), " ") + "|" + strings.Join(roles, " ") + "|" + preferred
			if want := test.order + "|" + test.roles + "|" + test.preferred; got != want {
				t.Errorf("got %s want %s", got, want)
			}
		})
	}
}
