package passkey

import "encoding/json"

// descriptor names a credential (WebAuthn §5.10.3).
type descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

type entity struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
}

type parameter struct {
	Type      string `json:"type"`
	Algorithm int    `json:"alg"`
}

type selection struct {
	RequireResidentKey bool   `json:"requireResidentKey"`
	ResidentKey        string `json:"residentKey"`
	UserVerification   string `json:"userVerification"`
}

type creation struct {
	RP               entity       `json:"rp"`
	User             entity       `json:"user"`
	Challenge        string       `json:"challenge"`
	PubKeyCredParams []parameter  `json:"pubKeyCredParams"`
	Timeout          int64        `json:"timeout"`
	Exclude          []descriptor `json:"excludeCredentials"`
	Selection        selection    `json:"authenticatorSelection"`
}

type request struct {
	Challenge        string       `json:"challenge"`
	Timeout          int64        `json:"timeout"`
	RPID             string       `json:"rpId"`
	Allow            []descriptor `json:"allowCredentials"`
	UserVerification string       `json:"userVerification"`
}

const publicKey = "public-key"

func (rp RelyingParty) verification() string {
	if rp.Verify {
		return "required"
	}
	return "preferred"
}

// CreationOptions returns the options for navigator.credentials.create (WebAuthn §5.4) as
// JSON. keys are the user's existing keys, and timeout is in milliseconds.
func CreationOptions(rp RelyingParty, challenge []byte, userID, name string, keys []*Key, timeout int64) (json.RawMessage, error) {
	o := creation{
		RP:   entity{ID: rp.ID, Name: rp.ID},
		User: entity{ID: encode([]byte(userID)), Name: name, DisplayName: name}, Challenge: encode(challenge), Timeout: timeout,
		Exclude:   []descriptor{},
		Selection: selection{RequireResidentKey: true, ResidentKey: "required", UserVerification: rp.verification()},
	}
	for _, alg := range Algorithms() {
		o.PubKeyCredParams = append(o.PubKeyCredParams, parameter{publicKey, alg})
	}
	for _, k := range keys {
		o.Exclude = append(o.Exclude, descriptor{Type: publicKey, ID: k.ID, Transports: k.Transports})
	}
	return json.Marshal(o)
}

// RequestOptions returns the options for navigator.credentials.get (WebAuthn §5.5) as JSON.
func RequestOptions(rp RelyingParty, challenge []byte, keys []*Key, timeout int64) (json.RawMessage, error) {
	o := request{Challenge: encode(challenge), Timeout: timeout, RPID: rp.ID, Allow: []descriptor{}, UserVerification: rp.verification()}
	for _, k := range keys {
		o.Allow = append(o.Allow, descriptor{Type: publicKey, ID: k.ID, Transports: k.Transports})
	}
	return json.Marshal(o)
}
