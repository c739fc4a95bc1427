package token

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api/awsjson"
)

// userScope is the scope that the operations of the user API require.
const userScope = "aws.cognito.signin.user.admin"

// issueData holds what all tokens of one issue share.
type issueData struct {
	issuer           string
	authTime, now    time.Time
	origin, eventID  string
	idJTI, accessJTI string
	revocable        bool // has origin_jti, and jti in the ID token
	groups           []Group
	override         *Override // nil if no trigger changes anything
}

// object is a JSON object under construction.
type object struct{ b []byte }

func newObject(size int) object { return object{append(make([]byte, 0, size), '{')} }

func (o *object) name(claim string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(awsjson.String(o.b, claim), ':')
}

func (o *object) text(claim, v string) {
	o.name(claim)
	o.b = awsjson.String(o.b, v)
}

func (o *object) optional(claim, v string) {
	if v != "" {
		o.text(claim, v)
	}
}

func (o *object) texts(claim string, v []string) {
	if len(v) > 0 {
		o.name(claim)
		o.b = awsjson.StringList(o.b, v)
	}
}

func (o *object) seconds(claim string, t time.Time) {
	o.name(claim)
	o.b = strconv.AppendInt(o.b, t.Unix(), 10)
}

func (o *object) flag(claim string, v bool) {
	o.name(claim)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) done() []byte { return append(o.b, '}') }

// accessClaims writes the access token's payload. It never contains attributes.
func accessClaims(g *Grant, m *issueData) []byte {
	o := newObject(1024)
	o.text("sub", g.Subject.UserID)
	o.texts("cognito:groups", groupNames(m.groups))
	if !g.OAuth {
		o.optional("device_key", g.DeviceKey)
	}
	o.text("iss", m.issuer)
	if g.OAuth {
		o.name("version")
		o.b = append(o.b, '2')
	}
	o.text("client_id", g.Client.ID)
	if m.revocable {
		o.text("origin_jti", m.origin)
	}
	o.optional("aud", g.Resource)
	o.text("event_id", m.eventID)
	o.text("token_use", "access")
	if g.OAuth {
		o.text("scope", strings.Join(g.Scopes, " "))
	} else {
		o.text("scope", userScope)
	}
	o.seconds("auth_time", m.authTime)
	o.context(g)
	o.seconds("exp", m.now.Add(g.Client.AccessTTL))
	o.seconds("iat", m.now)
	o.text("jti", m.accessJTI)
	o.text("username", g.Subject.Username)
	return o.done()
}

// idClaims writes the ID token's payload. accessToken is for at_hash; it is "" for
// tokens that do not come from the domain's endpoints.
func idClaims(g *Grant, m *issueData, accessToken string) []byte {
	o := newObject(2048)
	if accessToken != "" {
		o.text("at_hash", accessTokenHash(accessToken))
	}
	o.text("sub", g.Subject.UserID)
	o.texts("cognito:groups", groupNames(m.groups))
	roles, preferred := rolesOf(m.groups)
	o.optional("cognito:preferred_role", preferred)
	o.text("iss", m.issuer)
	o.text("cognito:username", g.Subject.Username)
	o.optional("nonce", g.Nonce)
	if m.revocable {
		o.text("origin_jti", m.origin)
	}
	o.texts("cognito:roles", roles)
	o.text("aud", g.Client.ID)
	o.text("event_id", m.eventID)
	o.text("token_use", "id")
	o.seconds("auth_time", m.authTime)
	o.context(g)
	o.seconds("exp", m.now.Add(g.Client.IDTTL))
	o.seconds("iat", m.now)
	if m.revocable {
		o.text("jti", m.idJTI)
	}
	o.attributes(g)
	return o.done()
}

// context writes acr and amr, which say how the user signed in.
func (o *object) context(g *Grant) {
	o.optional("acr", g.ACR)
	o.texts("amr", g.AMR)
}

// accessTokenHash is at_hash for RS256 (OpenID Connect Core §3.1.3.6).
func accessTokenHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func groupNames(groups []Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return names
}

// attributes writes the attributes that the client may read and the scopes allow.
func (o *object) attributes(g *Grant) {
	attributes := g.Subject.Attributes
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if reservedClaim(name) || !g.shows(name) {
			continue
		}
		o.attribute(name, attributes[name])
	}
	// An address whose flag was never set is not verified, and the token says so.
	for _, address := range [...]string{"email", "phone_number"} {
		flag := address + "_verified"
		_, has := attributes[address]
		_, told := attributes[flag]
		if has && !told && g.shows(flag) {
			o.flag(flag, false)
		}
	}
}

func (o *object) attribute(name, value string) {
	switch name {
	case "email_verified", "phone_number_verified":
		o.flag(name, strings.EqualFold(value, "true"))
	case "address":
		o.name(name)
		o.b = append(awsjson.String(append(o.b, `{"formatted":`...), value), '}')
	case "updated_at":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			o.name(name)
			o.b = strconv.AppendInt(o.b, n, 10)
			return
		}
		o.text(name, value)
	case "identities":
		o.identities(value)
	default:
		o.text(name, value)
	}
}

// identities turns the attribute's JSON into the claim's, where every member is
// text or null.
func (o *object) identities(value string) {
	var list []struct {
		UserID       string      `json:"userId"`
		ProviderName string      `json:"providerName"`
		ProviderType string      `json:"providerType"`
		Issuer       *string     `json:"issuer"`
		Primary      bool        `json:"primary"`
		DateCreated  json.Number `json:"dateCreated"`
	}
	if json.Unmarshal([]byte(value), &list) != nil || len(list) == 0 {
		return
	}
	o.name("identities")
	o.b = append(o.b, '[')
	for i, id := range list {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		item := object{append(o.b, '{')}
		item.text("userId", id.UserID)
		item.text("providerName", id.ProviderName)
		item.text("providerType", id.ProviderType)
		item.name("issuer")
		if id.Issuer != nil {
			item.b = awsjson.String(item.b, *id.Issuer)
		} else {
			item.b = append(item.b, "null"...)
		}
		item.text("primary", strconv.FormatBool(id.Primary))
		item.text("dateCreated", id.DateCreated.String())
		o.b = item.done()
	}
	o.b = append(o.b, ']')
}

// reservedClaim reports whether no attribute may set the claim.
func reservedClaim(name string) bool {
	switch name {
	case "sub", "iss", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "at_hash", "auth_time", "token_use", "origin_jti", "event_id", "acr", "amr":
		return true
	}
	return strings.HasPrefix(name, "cognito:")
}

// shows reports whether the grant's ID token may carry the attribute.
func (g *Grant) shows(attribute string) bool {
	return g.Client.CanRead(attribute) && (!g.OAuth || scopesAllow(g.Scopes, attribute))
}

// scopesAllow applies OpenID Connect Core §5.4 as Cognito does: the scope openid
// alone allows every readable attribute.
func scopesAllow(scopes []string, attribute string) bool {
	email, phone, profile := slices.Contains(scopes, "email"), slices.Contains(scopes, "phone"), slices.Contains(scopes, "profile")
	if !email && !phone && !profile {
		return true
	}
	switch attribute {
	case "identities": // It says by whose word the user signed in.
		return true
	case "email", "email_verified":
		return email
	case "phone_number", "phone_number_verified":
		return phone
	}
	return profile
}
