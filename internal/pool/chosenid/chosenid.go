// Package chosenid reads the ids that requests to a development server choose for user pools, app
// clients and identity pools, in the form that LocalStack made usual: a tag, or a prefix of the
// client's name. Its functions are pure. In production the tag is an ordinary tag, and the prefix is
// not a valid name.
package chosenid

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
)

const (
	// Tag is the tag of a user pool or an identity pool whose value is the id.
	Tag = "_custom_id_"
	// ClientPrefix begins the name of an app client. The rest of the name is the id.
	ClientPrefix = Tag + ":"
)

// Local is the Region in the ids of cognito-local. Its pools are visible in every Region, because
// clients sign for any Region there. AWS has no Region of this name.
const Local = "local"

// The ids of pools that the model accepts. An id of another form could be created, but not used.
// The ids of app clients may also have hyphens: scripts that were written for LocalStack have them.
var (
	poolName   = regexp.MustCompile(`^[0-9a-zA-Z]+$`)
	clientID   = regexp.MustCompile(`^[0-9A-Za-z_+-]{1,128}$`)
	regionForm = regexp.MustCompile(`^[a-z0-9-]+$`)
)

const (
	// maxPoolID is the longest id of a pool.
	maxPoolID = 55
	// defaultRegion is the Region of requests that name no Region.
	defaultRegion = "us-east-1"
)

// FromUserPoolTags returns the id that the tags of a new user pool choose, "" if they choose no id.
func FromUserPoolTags(tags map[string]string, region string) (string, error) {
	value, ok := tags[Tag]
	if !ok {
		return "", nil
	}
	id, err := UserPool(value, region)
	return id, inTag(err)
}

// FromIdentityPoolTags returns the id that the tags of a new identity pool choose, "" if they choose
// no id.
func FromIdentityPoolTags(tags map[string]string, region string) (string, error) {
	value, ok := tags[Tag]
	if !ok {
		return "", nil
	}
	id, err := IdentityPool(value, region)
	return id, inTag(err)
}

func inTag(err error) error {
	if err != nil {
		return fmt.Errorf("the tag %s is not valid: %w", Tag, err)
	}
	return nil
}

// UserPool returns the id of a user pool. The value is the id with or without its Region. Without
// a region, it is that of the value, or us-east-1.
func UserPool(value, region string) (string, error) {
	prefix, name, region := split(value, "_", region)
	id := prefix + "_" + name
	switch {
	case !poolName.MatchString(name) || !regionForm.MatchString(prefix) || len(id) > maxPoolID:
		return "", fmt.Errorf("%q is not the id of a user pool: an id is the Region, an underscore, and letters and digits, such as %s_example1, %d characters at most", value, region, maxPoolID)
	case prefix != region:
		return "", otherRegion(value, prefix, region)
	}
	return id, nil
}

// IdentityPool returns the id of an identity pool, by the rules of UserPool.
func IdentityPool(value, region string) (string, error) {
	prefix, name, region := split(value, ":", region)
	id := prefix + ":" + name
	switch {
	case !keys.IsUUID(name) || !regionForm.MatchString(prefix) || len(id) > maxPoolID:
		return "", fmt.Errorf("%q is not the id of an identity pool: an id is the Region, a colon, and a UUID in lower case, such as %s:00000000-0000-0000-0000-000000000001", value, region)
	case prefix != region:
		return "", otherRegion(value, prefix, region)
	}
	return id, nil
}

// split returns the Region and the rest of a value, and the Region that it must have.
func split(value, separator, region string) (prefix, name, required string) {
	prefix, name, whole := strings.Cut(value, separator)
	switch {
	case !whole:
		region = cmp.Or(region, defaultRegion)
		return region, value, region
	case region == "":
		return prefix, name, prefix
	}
	return prefix, name, region
}

// RegionOf returns the Region of an id of a user pool or an identity pool.
func RegionOf(id string) string {
	region, _, _ := strings.Cut(id, ":")
	region, _, _ = strings.Cut(region, "_")
	return region
}

func otherRegion(value, names, region string) error {
	return fmt.Errorf("%q is an id of the Region %s, and the request is for %s", value, names, region)
}

// FromClientName returns the id that the name of a new app client chooses, "" if it chooses no id.
func FromClientName(name string) (string, error) {
	id, ok := strings.CutPrefix(name, ClientPrefix)
	if !ok {
		return "", nil
	}
	if err := Client(id); err != nil {
		return "", fmt.Errorf("the client name %q is not valid: %w", name, err)
	}
	return id, nil
}

// Client rejects an id that a development server does not accept for an app client.
func Client(id string) error {
	if !clientID.MatchString(id) {
		return fmt.Errorf("%q is not the id of an app client: an id has letters, digits, _, + and -, 128 at most", id)
	}
	return nil
}

// Bindings returns the operations of user pools for a development server: they accept ids of app
// clients with hyphens, and those that take the name of an app client accept a name that chooses an
// id. The model has no hyphen in ids and no colon in names.
func Bindings(list []api.Binding) []api.Binding {
	for i, b := range list {
		op := *b.Operation
		op.Decode = besides("ClientId", op.Decode, func(id string) (bool, error) {
			return strings.Contains(id, "-") && clientID.MatchString(id), nil
		})
		if b.Name == "CreateUserPoolClient" || b.Name == "UpdateUserPoolClient" {
			op.Decode = besides("ClientName", op.Decode, func(name string) (bool, error) {
				id, err := FromClientName(name)
				return id != "", err
			})
		}
		list[i].Operation = &op
	}
	return list
}

// besides returns decode for bodies with a member that the model does not accept, if accept reports
// that it is accepted all the same. The model's rules hold for the rest of the body.
func besides(member string, decode func([]byte) (any, error), accept func(value string) (bool, error)) func([]byte) (any, error) {
	quoted := []byte(`"` + member + `"`)
	return func(body []byte) (any, error) {
		if !bytes.Contains(body, quoted) {
			return decode(body)
		}
		var members map[string]json.RawMessage
		var value string
		if json.Unmarshal(body, &members) != nil || json.Unmarshal(members[member], &value) != nil {
			return decode(body)
		}
		accepted, err := accept(value)
		if err != nil {
			return nil, idp.InvalidParameterException(err.Error())
		}
		if !accepted {
			return decode(body)
		}
		members[member] = json.RawMessage(`"chosen"`)
		rest, err := json.Marshal(members)
		if err != nil {
			return decode(body)
		}
		in, err := decode(rest)
		if err == nil {
			setText(in, member, value)
		}
		return in, err
	}
}

// setText sets a member of a request that is a text or a pointer to a text.
func setText(in any, member, value string) {
	f := reflect.ValueOf(in).Elem().FieldByName(member)
	switch {
	case !f.IsValid():
	case f.Kind() == reflect.Pointer:
		f.Set(reflect.ValueOf(&value))
	default:
		f.SetString(value)
	}
}
