package seed

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
)

// The files of cognito-local: one for each user pool, with its users, and one for all app clients.

type localPool struct {
	Users   map[string]localUser
	Groups  map[string]localGroup
	Options map[string]json.RawMessage
}

// A localUser is a user. Whether the user is enabled is not read: there, users that are not enabled
// sign in like others.
type localUser struct {
	Username   string
	Attributes []struct{ Name, Value string }
	Password   string
	UserStatus string
}

type localGroup struct {
	GroupName   string
	Description string
	Precedence  *int32
	Members     []string
}

const localClients = "clients.json"

// ReadCognitoLocal reads the folder of cognito-local: .cognito, or db in it. Users whose data a
// user pool does not accept are left out when the seed is applied, and so are functions.
func ReadCognitoLocal(dir string) (*File, error) {
	if _, err := os.Stat(filepath.Join(dir, "db")); err == nil {
		dir = filepath.Join(dir, "db")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	clients, err := readLocalClients(filepath.Join(dir, localClients))
	if err != nil {
		return nil, err
	}
	f := &File{source: &source{name: dir}}
	for _, name := range names {
		if filepath.Base(name) == localClients {
			continue
		}
		pool, err := readLocalPool(name)
		if err != nil {
			return nil, err
		}
		pool.Clients = clients[pool.ID]
		f.UserPools = append(f.UserPools, *pool)
	}
	if len(f.UserPools) == 0 {
		return nil, fmt.Errorf("%s has no user pool of cognito-local: no file such as db/local_example.json", dir)
	}
	return f, f.check()
}

// readFile reads a file of at most maxFile bytes into v.
func readFile(name string, v any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return fmt.Errorf("%s is larger than %d MB", name, maxFile>>20)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s is not a file of cognito-local: %w", name, err)
	}
	return nil
}

// readLocalClients returns the app clients by user pool. Older files have a member for each client,
// beside an empty list.
func readLocalClients(name string) (map[string][]Client, error) {
	byPool := map[string][]Client{}
	var all map[string]json.RawMessage
	err := readFile(name, &all)
	if errors.Is(err, os.ErrNotExist) {
		return byPool, nil
	}
	if err != nil {
		return nil, err
	}
	clients := map[string]json.RawMessage{}
	if list := all["Clients"]; list != nil {
		if err := json.Unmarshal(list, &clients); err != nil {
			return nil, fmt.Errorf("%s is not a file of cognito-local: %w", name, err)
		}
	}
	for key, value := range all {
		if id, ok := strings.CutPrefix(key, "Clients,"); ok {
			clients[id] = value
		}
	}
	for _, id := range sortedKeys(clients) {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(clients[id], &members); err != nil {
			return nil, fmt.Errorf("%s: the client %s: %w", name, id, err)
		}
		pool := textOf(members["UserPoolId"])
		byPool[pool] = append(byPool[pool], localClient(id, members))
	}
	return byPool, nil
}

func textOf(value json.RawMessage) string {
	var s string
	_ = json.Unmarshal(value, &s) // Another type is no text.
	return s
}

// localFlows are the flows of app clients. Those of cognito-local take every flow.
const localFlows = `["ALLOW_ADMIN_USER_PASSWORD_AUTH","ALLOW_CUSTOM_AUTH","ALLOW_REFRESH_TOKEN_AUTH","ALLOW_USER_PASSWORD_AUTH","ALLOW_USER_SRP_AUTH"]`

func localClient(id string, members map[string]json.RawMessage) Client {
	c := Client{ID: id, Name: cmp.Or(textOf(members["ClientName"]), id), Settings: Settings{}}
	if secret := textOf(members["ClientSecret"]); secretForm.MatchString(secret) {
		c.Secret = keys.Secret(secret)
	}
	s := shapes["client"]
	for name, value := range members {
		if _, known := s.kind.FieldByName(name); known && !slices.Contains(s.hidden, name) && string(value) != "null" {
			c.Settings[name] = value
		}
	}
	delete(c.Settings, "GenerateSecret")
	c.Settings["ExplicitAuthFlows"] = json.RawMessage(localFlows)
	return c
}

// keptOptions are the settings of pools that are taken over.
var keptOptions = []string{"Policies", "AliasAttributes", "AutoVerifiedAttributes", "UsernameAttributes", "UsernameConfiguration"}

func readLocalPool(name string) (*UserPool, error) {
	var local localPool
	if err := readFile(name, &local); err != nil {
		return nil, err
	}
	p := &UserPool{
		ID:       cmp.Or(textOf(local.Options["Id"]), strings.TrimSuffix(filepath.Base(name), ".json")),
		Settings: Settings{},
	}
	p.Name = cmp.Or(textOf(local.Options["Name"]), p.ID)
	for _, option := range keptOptions {
		if value := local.Options[option]; value != nil && string(value) != "null" {
			p.Settings[option] = value
		}
	}
	var usernames []string
	_ = json.Unmarshal(local.Options["UsernameAttributes"], &usernames)
	if hasPlainUsernames(&local, usernames) {
		delete(p.Settings, "UsernameAttributes")
		usernames = nil
	}
	if err := p.addCustomAttributes(&local); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	groupsOf := map[string][]string{}
	for _, key := range sortedKeys(local.Groups) {
		g := local.Groups[key]
		group := Group{Name: cmp.Or(g.GroupName, key), Description: g.Description, Precedence: g.Precedence}
		p.Groups = append(p.Groups, group)
		for _, member := range g.Members {
			groupsOf[member] = append(groupsOf[member], group.Name)
		}
	}
	for _, key := range sortedKeys(local.Users) {
		p.Users = append(p.Users, newLocalUser(key, local.Users[key], usernames, groupsOf))
	}
	return p, nil
}

// hasPlainUsernames reports whether a pool has users, and no user has an address of the kinds that
// usernames should be. Older versions of cognito-local let such users sign up.
func hasPlainUsernames(local *localPool, kinds []string) bool {
	for _, u := range local.Users {
		for _, a := range u.Attributes {
			if slices.Contains(kinds, a.Name) && a.Value != "" {
				return false
			}
		}
	}
	return len(local.Users) > 0
}

func newLocalUser(key string, l localUser, usernames []string, groupsOf map[string][]string) User {
	u := User{
		Username: cmp.Or(l.Username, key), Password: keys.Secret(l.Password), Groups: groupsOf[key],
		Attributes: map[string]string{}, lenient: true,
	}
	status, _ := reflect.TypeFor[User]().FieldByName("Status")
	statuses := strings.Split(status.Tag.Get("enum"), ",")
	if slices.Contains(statuses, l.UserStatus) {
		u.Status = l.UserStatus
	}
	for _, a := range l.Attributes {
		if a.Name == "sub" {
			u.Sub = a.Value
		} else if a.Value != "" {
			u.Attributes[a.Name] = a.Value
		}
	}
	// In a pool whose usernames are addresses, the username there may be the sub.
	for _, kind := range usernames {
		if address := u.Attributes[kind]; address != "" {
			u.Username = address
			break
		}
	}
	if !keys.IsUUID(u.Sub) {
		u.Sub = ""
	}
	return u
}

// addCustomAttributes adds the custom attributes of a pool: those of its schema, and others that its
// users have.
func (p *UserPool) addCustomAttributes(local *localPool) error {
	var schema []idp.SchemaAttributeType
	if text := local.Options["SchemaAttributes"]; text != nil {
		if err := json.Unmarshal(text, &schema); err != nil {
			return fmt.Errorf("SchemaAttributes: %w", err)
		}
	}
	kinds := map[string]string{}
	for _, a := range schema {
		name, custom := strings.CutPrefix(*cmp.Or(a.Name, new("")), "custom:")
		if name != "" && (custom || !slices.Contains(standardAttributes, name)) {
			kinds[name] = cmp.Or(string(a.AttributeDataType), "String")
		}
	}
	for _, u := range local.Users {
		for _, a := range u.Attributes {
			if name, ok := strings.CutPrefix(a.Name, "custom:"); ok && kinds[name] == "" {
				kinds[name] = "String"
			}
		}
	}
	var list []map[string]any
	for _, name := range sortedKeys(kinds) {
		list = append(list, map[string]any{"Name": seedName(name), "AttributeDataType": kinds[name], "Mutable": true})
	}
	if list == nil {
		return nil
	}
	var err error
	p.Settings["Schema"], err = json.Marshal(list)
	return err
}
