package main

import (
	"fmt"
	"slices"
	"strings"
)

// permissionRows writes what policies about an operation depend on beside its resource.
func (m *model) permissionRows(s *source, op *operation) {
	if op.Auth != "sigv4" {
		return
	}
	in := goName(op.Input)
	if expr := m.targetExpr(op); expr != "" {
		s.p("Target: func(in any) api.Resource { v := in.(*%s); return %s },", in, expr)
	}
	if lines := m.conditionLines(op); len(lines) > 0 {
		s.p("Conditions: func(in any) map[string][]string {\nv, c := in.(*%s), api.Conditions{}\n%s\nreturn c\n},", in, strings.Join(lines, "\n"))
	}
	if m.passesRole(op.Input) {
		s.p("Roles: func(in any) []string { return rolesOf%s(in.(*%s), nil) },", in, in)
	}
}

// conditionLines are the statements that collect the condition keys of an input.
func (m *model) conditionLines(op *operation) []string {
	var lines []string
	for _, mem := range m.Shapes[op.Input].Members {
		sh, field := m.Shapes[mem.Shape], "v."+goName(mem.Name)
		value := field
		if strings.HasPrefix(m.fieldType(mem), "*") && sh.Type == "string" {
			value = "api.Val(" + field + ")"
		}
		switch {
		case slices.Contains([]string{"Tags", "UserPoolTags", "IdentityPoolTags"}, mem.Name) && sh.Type == "map":
			lines = append(lines, "c.AddTags("+field+")")
		case mem.Name == "Tags" && sh.Type == "list":
			lines = append(lines, "for _, t := range "+field+" {\nc.AddTag(t.Key, t.Value)\n}")
		case mem.Name == "TagKeys":
			lines = append(lines, "c.AddTagKeys("+field+")")
		case mem.Name == "PermissionsBoundary":
			lines = append(lines, "c.Set(\"iam:PermissionsBoundary\", "+value+")")
		case mem.Name == "PolicyArn" && (strings.HasPrefix(op.Name, "Attach") || strings.HasPrefix(op.Name, "Detach")):
			lines = append(lines, "c.Set(\"iam:PolicyARN\", "+value+")")
		}
	}
	return lines
}

// targetExpr is the resource that an operation of IAM renames its resource to.
func (m *model) targetExpr(op *operation) string {
	if m.Service != "iam" {
		return ""
	}
	for _, kind := range []string{"User", "Group"} {
		if op.Name == "Update"+kind {
			return fmt.Sprintf("api.Renamed(%q, v.%sName, v.New%sName, v.NewPath)", strings.ToLower(kind), kind, kind)
		}
	}
	return ""
}

// entityResource is the resource expression of an operation of IAM.
func (m *model) entityResource(op *operation) string {
	in := goName(op.Input)
	value := func(name string) string {
		for _, mem := range m.Shapes[op.Input].Members {
			if mem.Name != name {
				continue
			}
			val := fmt.Sprintf("in.(*%s).%s", in, goName(mem.Name))
			if strings.HasPrefix(m.fieldType(mem), "*") {
				val = "api.Val(" + val + ")"
			}
			return val
		}
		return ""
	}
	for _, name := range []string{"OpenIDConnectProviderArn", "SAMLProviderArn", "PolicySourceArn"} {
		if v := value(name); v != "" {
			return "api.Resource{Name: " + v + "}"
		}
	}
	path := ""
	if v := value("Path"); v != "" && strings.HasPrefix(op.Name, "Create") {
		path = ", Path: api.PathOf(" + v + ")"
	}
	entities := []struct{ member, kind string }{{"RoleName", "role"}, {"GroupName", "group"}, {"UserName", "user"}}
	for _, e := range entities {
		if v := value(e.member); v != "" {
			return fmt.Sprintf("api.Resource{Type: %q, ID: %s%s}", e.kind, v, path)
		}
	}
	switch op.Name {
	case "CreatePolicy":
		return fmt.Sprintf("api.Resource{Type: \"policy\", ID: %s%s}", value("PolicyName"), path)
	case "CreateOpenIDConnectProvider":
		return fmt.Sprintf("api.Resource{Type: \"oidc-provider\", ID: %s}", value("Url"))
	case "CreateSAMLProvider":
		return fmt.Sprintf("api.Resource{Type: \"saml-provider\", ID: %s}", value("Name"))
	}
	if v := value("PolicyArn"); v != "" {
		return "api.Resource{Name: " + v + "}"
	}
	return ""
}

// roleMembers are the members that pass a role to a pool.
var roleMembers = []string{"RoleArn", "RoleARN", "CloudWatchLogsRoleArn", "SnsCallerArn"}

// passesRole reports whether a structure holds the ARN of a role for a pool, at any depth.
func (m *model) passesRole(name string) bool {
	s := m.Shapes[name]
	if !strings.HasPrefix(m.Service, "cognito-") || s.Type != "structure" {
		return false
	}
	return slices.ContainsFunc(s.Members, func(mem *member) bool { return m.roleLine(mem) != "" })
}

// rolesFuncs writes a function that collects the roles of each structure that holds some.
func (m *model) rolesFuncs(s *source) {
	for _, name := range m.inputs {
		if !m.passesRole(name) {
			continue
		}
		s.p("func rolesOf%s(v *%s, list []string) []string {", goName(name), goName(name))
		for _, mem := range m.Shapes[name].Members {
			if line := m.roleLine(mem); line != "" {
				s.p("%s", line)
			}
		}
		s.p("return list\n}\n")
	}
}

func (m *model) roleLine(mem *member) string {
	sh, field := m.Shapes[mem.Shape], "v."+goName(mem.Name)
	each := func(elem string) string {
		return "for _, e := range " + field + " {\nlist = rolesOf" + goName(elem) + "(&e, list)\n}"
	}
	switch {
	case slices.Contains(roleMembers, mem.Name) && strings.HasPrefix(m.fieldType(mem), "*"):
		return "list = api.AppendRole(list, api.Val(" + field + "))"
	case slices.Contains(roleMembers, mem.Name):
		return "list = api.AppendRole(list, " + field + ")"
	case mem.Name == "Roles" && sh.Type == "map":
		return "for _, role := range " + field + " {\nlist = api.AppendRole(list, role)\n}"
	case sh.Type == "structure" && m.passesRole(mem.Shape):
		return "if " + field + " != nil {\nlist = rolesOf" + goName(mem.Shape) + "(" + field + ", list)\n}"
	case sh.Type == "list" && m.passesRole(sh.Member):
		return each(sh.Member)
	case sh.Type == "map" && m.passesRole(sh.Value):
		return each(sh.Value)
	}
	return ""
}
