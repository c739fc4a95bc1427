package providers

import (
	"encoding/json"
	"fmt"

	"cognate/internal/keys"
)

// secretKeys are the details that are sealed.
var secretKeys = []string{"client_secret", "private_key"}

func sealContext(poolID, name, what string) []byte {
	return []byte("identity provider\x00" + poolID + "\x00" + name + "\x00" + what)
}

// splitSecrets takes the secrets out of details and returns them.
func splitSecrets(details map[string]string) map[string]string {
	secrets := map[string]string{}
	for _, key := range secretKeys {
		if value, ok := details[key]; ok {
			secrets[key] = value
			delete(details, key)
		}
	}
	return secrets
}

func (s *Service) sealSecrets(poolID, name string, secrets map[string]string) ([]byte, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	body, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	return s.deps.Ring.Seal(keys.PurposeProviderSecret, sealContext(poolID, name, "secrets"), body), nil
}

// openSecrets returns the secrets of a provider's document.
func (s *Service) openSecrets(poolID, name string, d *document) (map[string]string, error) {
	if len(d.Secrets) == 0 {
		return nil, nil
	}
	body, err := s.deps.Ring.Open(keys.PurposeProviderSecret, sealContext(poolID, name, "secrets"), d.Secrets)
	if err != nil {
		return nil, fmt.Errorf("providers: secrets of %s of %s: %w", name, poolID, err)
	}
	var secrets map[string]string
	return secrets, json.Unmarshal(body, &secrets)
}
