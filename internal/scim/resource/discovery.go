package resource

import "strings"

// The documents of discovery (RFC 7644 §4). The base is the URL of the service, without a
// slash at the end.

// ServiceProviderConfig returns the document of /ServiceProviderConfig (RFC 7643 §5). The
// size is the most bytes of a bulk request.
func ServiceProviderConfig(base string, maxPayloadSize int) map[string]any {
	return object{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          object{"supported": true},
		"bulk":           object{"supported": true, "maxOperations": MaxBulkOperations, "maxPayloadSize": maxPayloadSize},
		"filter":         object{"supported": true, "maxResults": MaxCount},
		"changePassword": object{"supported": false},
		"sort":           object{"supported": false},
		"etag":           object{"supported": true},
		"authenticationSchemes": []any{object{
			"type":        "oauthbearertoken",
			"name":        "OAuth Bearer Token",
			"description": "A bearer token in the header Authorization.",
			"specUri":     "https://www.rfc-editor.org/info/rfc6750",
			"primary":     true,
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": base + "/ServiceProviderConfig"},
	}
}

// ResourceTypes returns the document of /ResourceTypes (RFC 7643 §6).
func ResourceTypes(base string) map[string]any { //nolint:revive // RFC 7643 calls the document so.
	var list []map[string]any
	for _, t := range typeList {
		list = append(list, t.describe(base))
	}
	return ListResponse(len(list), 1, list)
}

// ResourceType returns the document of one resource type. It reports false if there is no
// type of the name.
func ResourceType(base, name string) (map[string]any, bool) { //nolint:revive // RFC 7643 calls the document so.
	for _, t := range typeList {
		if t.name == name {
			return t.describe(base), true
		}
	}
	return nil, false
}

func (t *Type) describe(base string) object {
	extensions := []any{}
	for _, e := range t.extensions {
		extensions = append(extensions, object{"schema": e.urn(), "required": false})
	}
	return object{
		"schemas":          []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
		"id":               t.name,
		"name":             t.name,
		"description":      t.core.schema.Description.Value(),
		"endpoint":         t.endpoint,
		"schema":           t.core.urn(),
		"schemaExtensions": extensions,
		"meta":             object{"resourceType": "ResourceType", "location": base + "/ResourceTypes/" + t.name},
	}
}

// Schemas returns the document of /Schemas (RFC 7643 §7).
func Schemas(base string) map[string]any {
	var list []map[string]any
	for _, s := range schemaList() {
		list = append(list, s.describe(base))
	}
	return ListResponse(len(list), 1, list)
}

// Schema returns the document of one schema. It reports false if there is no schema of the
// URN.
func Schema(base, urn string) (map[string]any, bool) {
	for _, s := range schemaList() {
		if strings.EqualFold(s.urn(), urn) {
			return s.describe(base), true
		}
	}
	return nil, false
}

func schemaList() []*attributeSet {
	var list []*attributeSet
	for _, t := range typeList {
		list = append(list, t.core)
		list = append(list, t.extensions...)
	}
	return list
}

func (s *attributeSet) describe(base string) object {
	o := s.schema.ToMap()
	o["meta"] = object{"resourceType": "Schema", "location": base + "/Schemas/" + s.urn()}
	return o
}
