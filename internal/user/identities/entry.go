package identities

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/user"
)

// maxIdentities is how many identities a user may have (Cognito: quotas in user pools).
const maxIdentities = 5

// entry is an identity as the user's attribute identities shows it.
type entry struct {
	UserID       string  `json:"userId"`
	ProviderName string  `json:"providerName"`
	ProviderType string  `json:"providerType"`
	Issuer       *string `json:"issuer"`
	Primary      bool    `json:"primary"`
	DateCreated  int64   `json:"dateCreated"` // milliseconds
}

// entriesOf returns the identities of a user.
func entriesOf(u *user.User) ([]entry, error) {
	text := u.Attributes[schema.Identities]
	if text == "" {
		return nil, nil
	}
	var list []entry
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("identities: of %s: %w", u.ID(), err)
	}
	return list, nil
}

// Uses reports whether the user may sign in at the provider.
func Uses(u *user.User, provider string) (bool, error) {
	list, err := entriesOf(u)
	return slices.ContainsFunc(list, func(e entry) bool { return e.ProviderName == provider }), err
}

// setEntries writes the identities of a user.
func setEntries(u *user.User, list []entry) error {
	if len(list) == 0 {
		delete(u.Attributes, schema.Identities)
		return nil
	}
	text, err := json.Marshal(list)
	u.Attributes[schema.Identities] = string(text)
	return err
}

// indexOf returns where the identity is in the list; -1 if it is not there. Values compare by
// foldName.
func indexOf(sn *pool.Snapshot, list []entry, provider, value string) int {
	return slices.IndexFunc(list, func(e entry) bool {
		return e.ProviderName == provider && foldName(sn, e.UserID) == foldName(sn, value)
	})
}

// foldName returns the form of a person's name in which names compare: as usernames of the
// pool do. A letter that only looks like the upper case of another letter stays, because the
// provider takes the two for different people: the Kelvin sign is no K.
func foldName(sn *pool.Snapshot, name string) string {
	if sn.CaseSensitive {
		return name
	}
	return strings.Map(func(r rune) rune {
		if low := unicode.ToLower(r); unicode.ToUpper(low) == r {
			return low
		}
		return r
	}, name)
}

// key identifies a person of a provider: by the provider's own name of the person, or by the
// value of an attribute. attribute is "" for the former.
type key struct{ provider, attribute, value string }

// hash returns the key as the store has it. Values compare by foldName.
func (k key) hash(sn *pool.Snapshot) [32]byte {
	var body []byte
	for _, part := range []string{k.provider, k.attribute, foldName(sn, k.value)} {
		body = binary.BigEndian.AppendUint32(body, uint32(len(part)))
		body = append(body, part...)
	}
	return sha256.Sum256(body)
}

// A Linked is an identity at another provider by which a user signs in.
type Linked struct {
	Provider     string    `json:"provider"`
	ProviderType string    `json:"providerType"`
	Subject      string    `json:"subject"`
	Own          bool      `json:"profileMadeForIt"`
	LinkedAt     time.Time `json:"linkedAt"`
}

// OfUser lists the identities of a user at other providers.
func OfUser(u *user.User) ([]Linked, error) {
	entries, err := entriesOf(u)
	if err != nil {
		return nil, err
	}
	list := make([]Linked, 0, len(entries))
	for _, e := range entries {
		list = append(list, Linked{e.ProviderName, e.ProviderType, e.UserID, e.Primary, time.UnixMilli(e.DateCreated).UTC()})
	}
	return list, nil
}
