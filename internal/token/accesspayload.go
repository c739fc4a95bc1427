package token

import (
	"encoding/base64"
	"strings"

	"cognate/internal/api/awsjson"
)

// accessPayload has the claims of an access token that operations use.
type accessPayload struct {
	Sub, Iss, TokenUse, ClientID, Username, Scope, JTI, Origin, EventID, DeviceKey, ACR string
	AMR                                                                                 []string

	AuthTime, Exp, Iat int64
}

// peek reads a payload without checking its signature.
func peek(raw string) (accessPayload, bool) {
	var c accessPayload
	_, rest, _ := strings.Cut(raw, ".")
	body, _, ok := strings.Cut(rest, ".")
	if !ok {
		return c, false
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return c, false
	}
	d := awsjson.NewDecoder(b)
	c.read(d)
	return c, d.Finish("") == nil
}

func (c *accessPayload) read(d *awsjson.Decoder) {
	d.BeginObject()
	for d.Next() {
		switch string(d.Key()) {
		case "sub":
			c.Sub = d.String()
		case "iss":
			c.Iss = d.String()
		case "token_use":
			c.TokenUse = d.String()
		case "client_id":
			c.ClientID = d.String()
		case "username":
			c.Username = d.String()
		case "scope":
			c.Scope = d.String()
		case "jti":
			c.JTI = d.String()
		case "origin_jti":
			c.Origin = d.String()
		case "event_id":
			c.EventID = d.String()
		case "device_key":
			c.DeviceKey = d.String()
		case "acr":
			c.ACR = d.String()
		case "amr":
			c.AMR = awsjson.Strings[string](d, 0, "amr")
		case "auth_time":
			c.AuthTime = d.Int64()
		case "exp":
			c.Exp = d.Int64()
		case "iat":
			c.Iat = d.Int64()
		default:
			d.Document()
		}
	}
}
