package api

// Conditions collects the condition keys that an operation's input carries.
type Conditions map[string][]string

// Set sets a key, unless the value is empty.
func (c Conditions) Set(key, value string) {
	if value != "" {
		c[key] = []string{value}
	}
}

// AddTag adds a tag that the operation sets.
func (c Conditions) AddTag(key, value string) {
	c["aws:RequestTag/"+key] = []string{value}
	c.AddTagKeys([]string{key})
}

// AddTags adds the tags that the operation sets.
func (c Conditions) AddTags(tags map[string]string) {
	for key, value := range tags {
		c.AddTag(key, value)
	}
}

// AddTagKeys adds the keys of tags that the operation sets or removes.
func (c Conditions) AddTagKeys(keys []string) {
	if len(keys) > 0 {
		c["aws:TagKeys"] = append(c["aws:TagKeys"], keys...)
	}
}

// AppendRole adds the ARN of a role, unless it is empty.
func AppendRole(list []string, role string) []string {
	if role == "" {
		return list
	}
	return append(list, role)
}

// PathOf returns the path of a new entity of IAM, which is "/" by default.
func PathOf(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// Renamed returns the resource that an entity of IAM becomes. Without a new path it keeps the
// path that it has.
func Renamed(kind, name string, newName, newPath *string) Resource {
	return Resource{Type: kind, ID: name, Path: Val(newPath), NewName: Val(newName)}
}
