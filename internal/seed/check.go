package seed

import (
	"cmp"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/api/invoke"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
	"cognate/internal/spelling"
)

const (
	defaultRegion = "us-east-1"
	// statusTemporary is the status of users whose password is temporary.
	statusTemporary = string(idp.UserStatusTypeForceChangePassword)
	factorTOTP      = "SOFTWARE_TOKEN_MFA"
	// maxGroupsPerUser is Cognito's quota.
	maxGroupsPerUser = 100
)

// secretForm is the form of an app client's secret (Cognito: ClientSecretType).
var secretForm = regexp.MustCompile(`^[0-9A-Za-z_+]{24,64}$`)

// check finds the faults of a file that need no server to be found.
func (f *File) check() error {
	c := &checker{problems: &problems{source: f.source}, file: f, lines: map[string]string{}}
	f.Region = cmp.Or(f.Region, defaultRegion)
	for i := range f.Roles {
		path := fmt.Sprintf("roles[%d]", i)
		c.unique(path+".name", "role", strings.ToLower(f.Roles[i].Name))
	}
	for i := range f.UserPools {
		c.userPool(&f.UserPools[i], fmt.Sprintf("userPools[%d]", i))
	}
	for i := range f.IdentityPools {
		c.identityPool(&f.IdentityPools[i], fmt.Sprintf("identityPools[%d]", i))
	}
	return c.Err()
}

type checker struct {
	*problems
	file *File
	// lines has the path of each value that must be unique.
	lines map[string]string
}

// unique rejects a value that another field of the kind has.
func (c *checker) unique(path, kind, value string) {
	key := kind + "\x00" + value
	if first, ok := c.lines[key]; ok {
		c.at(path, "the %s %q is there twice; it is on line %d, too", kind[strings.LastIndex(kind, "\x00")+1:], value, c.source.line(first))
		return
	}
	c.lines[key] = path
}

// within returns a kind of values that must be unique within an owner.
func within(owner, kind string) string { return owner + "\x00" + kind }

// model checks the members of a request by the rules of the API's model.
func (c *checker) model(path string, s Settings, decode func([]byte) (any, error), more map[string]any) {
	_, err := decode(body(s, more))
	if err == nil {
		return
	}
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		c.at(path, "%v", err)
		return
	}
	c.at(join(path, invoke.MemberPath(e.Message)), "%s", e.Message)
}

// body returns the body of a request.
func body(s Settings, more map[string]any) []byte {
	all := make(map[string]any, len(s)+len(more))
	for name, value := range s {
		all[name] = value
	}
	maps.Copy(all, more)
	text, err := json.Marshal(all)
	if err != nil { // The decoder has made each value.
		return nil
	}
	return text
}

func (c *checker) userPool(p *UserPool, path string) {
	id := "name " + p.Name // what the pool is known by
	if p.ID == "" {
		c.unique(path+".name", "name of a user pool without an id", p.Name)
	} else if whole, err := chosenid.UserPool(p.ID, chosenid.RegionOf(p.ID)); err != nil || whole != p.ID {
		c.at(path+".id", "%q is not the id of a user pool, such as us-east-1_example1", p.ID)
	} else {
		c.unique(path+".id", "id of a user pool", p.ID)
		id = p.ID
	}
	if err := p.takeHomonyms(); err != nil {
		c.at(path+".settings.Schema", "%v", err)
	}
	c.model(path+".settings", p.Settings, idp.Operations["CreateUserPool"].Decode, map[string]any{"PoolName": p.Name})
	if p.MFA != nil {
		c.model(path+".mfa", p.MFA, idp.Operations["SetUserPoolMfaConfig"].Decode, map[string]any{"UserPoolId": "us-east-1_a"})
	}
	for i, d := range []*Domain{p.Domain, p.CustomDomain} {
		if d != nil {
			c.unique(path+[]string{".domain", ".customDomain"}[i]+".name", "domain", d.Name)
		}
	}
	for i := range p.ResourceServers {
		c.unique(fmt.Sprintf("%s.resourceServers[%d].identifier", path, i), within(id, "resource server"), p.ResourceServers[i].Identifier)
	}
	for i := range p.IdentityProviders {
		c.unique(fmt.Sprintf("%s.identityProviders[%d].name", path, i), within(id, "identity provider"), p.IdentityProviders[i].Name)
	}
	for i := range p.Clients {
		c.client(&p.Clients[i], id, fmt.Sprintf("%s.clients[%d]", path, i))
	}
	var groups []string
	for i := range p.Groups {
		g := &p.Groups[i]
		at := fmt.Sprintf("%s.groups[%d]", path, i)
		c.unique(at+".name", within(id, "group"), strings.ToLower(g.Name))
		c.role(at+".role", g.Role)
		groups = append(groups, g.Name)
	}
	known := map[string]bool{}
	for _, g := range groups {
		known[strings.ToLower(g)] = true
	}
	for i := range p.Users {
		c.user(&p.Users[i], id, fmt.Sprintf("%s.users[%d]", path, i), groups, known)
	}
}

func (c *checker) client(k *Client, pool, path string) {
	if k.ID == "" {
		c.unique(path+".name", within(pool, "name of an app client without an id"), k.Name)
	} else if err := chosenid.Client(k.ID); err != nil {
		c.at(path+".id", "%v", err)
	} else {
		c.unique(path+".id", "id of an app client", k.ID)
	}
	if k.Secret != "" && !secretForm.MatchString(string(k.Secret)) {
		c.at(path+".secret", "must be 24 to 64 letters, digits, _ and +")
	}
	if string(k.Settings["GenerateSecret"]) == "true" && k.Secret != "" {
		c.at(path+".settings.GenerateSecret", "the client has a secret of the file: leave one of the two out")
	}
	c.model(path+".settings", k.Settings, idp.Operations["CreateUserPoolClient"].Decode, map[string]any{"UserPoolId": "us-east-1_a", "ClientName": k.Name})
}

// role checks a reference to a role: an ARN, or a name of the file.
func (c *checker) role(path, role string) {
	if role == "" || strings.HasPrefix(role, "arn:") {
		return
	}
	var names []string
	for i := range c.file.Roles {
		if c.file.Roles[i].Name == role {
			return
		}
		names = append(names, c.file.Roles[i].Name)
	}
	c.at(path, "the file has no role %q; give its ARN if it is not of this file%s", role, spelling.Meant(role, names))
}

func (c *checker) user(u *User, pool, path string, groups []string, known map[string]bool) {
	c.unique(path+".username", within(pool, "username"), u.Username)
	if u.Sub != "" {
		c.unique(path+".sub", within(pool, "sub"), u.Sub)
		if !keys.IsUUID(u.Sub) {
			c.at(path+".sub", "must be a UUID in lower case, such as 00000000-0000-4000-8000-000000000001")
		}
	}
	if u.PasswordHash != "" {
		if u.Password != "" {
			c.at(path+".passwordHash", "the user has a password, too: leave one of the two out")
		}
		if _, err := keys.PasswordScheme(string(u.PasswordHash)); err != nil {
			c.at(path+".passwordHash", "is not a hash of bcrypt, scrypt, argon2id or PBKDF2-SHA256, or its cost is above what is supported")
		}
		if u.Status == statusTemporary {
			c.at(path+".status", "a hash cannot be that of a temporary password")
		}
	}
	if u.TOTPSecret != "" {
		if _, err := totpSecret(u.TOTPSecret); err != nil {
			c.at(path+".totpSecret", "%v", err)
		}
	}
	if slices.Contains(u.MFA, factorTOTP) && u.TOTPSecret == "" {
		c.at(path+".mfa", "SOFTWARE_TOKEN_MFA needs totpSecret")
	}
	if len(u.Groups) > maxGroupsPerUser {
		c.at(path+".groups", "a user can be in %d groups at most", maxGroupsPerUser)
	}
	for i, g := range u.Groups {
		if !known[strings.ToLower(g)] {
			c.at(fmt.Sprintf("%s.groups[%d]", path, i), "the pool has no group %q in this file%s", g, spelling.Meant(g, groups))
		}
	}
}

// totpSecret returns the bytes of a secret in base 32. Blanks, padding and case do not count.
func totpSecret(text keys.Secret) ([]byte, error) {
	clean := strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(string(text)))
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(clean)
	switch {
	case err != nil:
		return nil, errors.New("must be in base 32: letters A to Z and digits 2 to 7")
	case len(secret) < 10 || len(secret) > 64:
		return nil, errors.New("must have 16 to 103 characters of base 32")
	}
	return secret, nil
}

func (c *checker) identityPool(p *IdentityPool, path string) {
	if p.ID == "" {
		c.unique(path+".name", "name of an identity pool without an id", p.Name)
	} else if whole, err := chosenid.IdentityPool(p.ID, chosenid.RegionOf(p.ID)); err != nil || whole != p.ID {
		c.at(path+".id", "%q is not the id of an identity pool, such as us-east-1:00000000-0000-4000-8000-000000000001", p.ID)
	} else {
		c.unique(path+".id", "id of an identity pool", p.ID)
	}
	more := map[string]any{"IdentityPoolName": p.Name}
	if _, ok := p.Settings["AllowUnauthenticatedIdentities"]; !ok {
		more["AllowUnauthenticatedIdentities"] = false
	}
	c.model(path+".settings", p.Settings, identity.Operations["CreateIdentityPool"].Decode, more)
	for _, kind := range slices.Sorted(maps.Keys(p.Roles)) {
		if kind != "authenticated" && kind != "unauthenticated" {
			c.at(join(path, "roles."+kind), "must be authenticated or unauthenticated%s", spelling.Meant(kind, []string{"authenticated", "unauthenticated"}))
		}
		c.role(join(path, "roles."+kind), p.Roles[kind])
	}
}
