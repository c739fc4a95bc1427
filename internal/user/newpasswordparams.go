package user

import (
	"encoding/json"

	"cognate/internal/pool"
)

// AttributeKey begins the keys of attributes in NEW_PASSWORD_REQUIRED.
const AttributeKey = "userAttributes."

// NewPasswordParams returns the parameters of NEW_PASSWORD_REQUIRED about the user's
// attributes. Clients read from userAttributes which required attributes have a value.
func NewPasswordParams(sn *pool.Snapshot, c *pool.Client, u *User) (map[string]string, error) {
	required, shown := []string{}, map[string]string{}
	for _, name := range MissingAttributes(sn, u) {
		required = append(required, AttributeKey+name)
		shown[name] = ""
	}
	for name, value := range u.Attributes {
		if value != "" && MayRead(sn, c, name) {
			shown[name] = value
		}
	}
	requiredJSON, err := json.Marshal(required)
	if err != nil {
		return nil, err
	}
	shownJSON, err := json.Marshal(shown)
	if err != nil {
		return nil, err
	}
	return map[string]string{"requiredAttributes": string(requiredJSON), "userAttributes": string(shownJSON)}, nil
}
