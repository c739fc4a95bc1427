package operation

import (
	"strings"
	"unicode/utf8"
)

// headerKeys are the headers that policies can ask for, and their condition keys.
var headerKeys = []string{
	"X-Amz-Acl", "X-Amz-Copy-Source", "X-Amz-Metadata-Directive", "X-Amz-Server-Side-Encryption",
	"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Server-Side-Encryption-Customer-Algorithm", "X-Amz-Storage-Class",
	"X-Amz-Website-Redirect-Location", "X-Amz-Grant-Full-Control", "X-Amz-Grant-Read", "X-Amz-Grant-Read-Acp",
	"X-Amz-Grant-Write", "X-Amz-Grant-Write-Acp", "X-Amz-Object-Ownership",
}

// otherKeys are the headers whose condition keys have another name.
var otherKeys = []struct{ header, key string }{
	{"X-Amz-Object-Lock-Mode", "s3:object-lock-mode"},
	{"X-Amz-Object-Lock-Legal-Hold", "s3:object-lock-legal-hold"},
	{"X-Amz-Object-Lock-Retain-Until-Date", "s3:object-lock-retain-until-date"},
	{"If-Match", "s3:if-match"},
	{"If-None-Match", "s3:if-none-match"},
}

// supportedKeys are the condition keys of S3 that requests carry, without "s3:" and in
// lower case. Those of headers are added by their names.
const supportedKeys = "prefix delimiter max-keys versionid requestobjecttagkeys authtype signatureversion signatureage " +
	"x-amz-content-sha256 resourceaccount object-lock-mode object-lock-legal-hold object-lock-retain-until-date if-match if-none-match"

// SupportedKey reports whether a request of S3 can carry a condition key of S3. A policy
// that denies by another key would never deny. The key is in lower case.
func SupportedKey(key string) bool {
	name, ok := strings.CutPrefix(key, "s3:")
	if !ok {
		return false
	}
	if strings.HasPrefix(name, "requestobjecttag/") || strings.HasPrefix(name, "existingobjecttag/") || hasWord(supportedKeys, name) {
		return true
	}
	for _, h := range headerKeys {
		if strings.EqualFold(h, name) {
			return true
		}
	}
	return false
}

func (o *S3Operation) set(name string, values ...string) {
	o.Keys = append(o.Keys, Key{name, values})
}

// addKeys fills the condition keys. A parameter that is absent leaves its key absent.
func (o *S3Operation) addKeys(r *rule, query params) {
	if r.listing {
		for _, name := range []string{"prefix", "delimiter", "max-keys"} {
			if v, ok := query.get(name); ok {
				o.set("s3:"+name, v)
			}
		}
	}
	if v, ok := query.get("versionId"); ok {
		o.set("s3:VersionId", v)
	}
	for _, name := range headerKeys {
		if v := o.Header[name]; len(v) == 1 {
			o.set("s3:"+strings.ToLower(name), v[0])
		}
	}
	for _, k := range otherKeys {
		if v := o.Header[k.header]; len(v) == 1 {
			o.set(k.key, v[0])
		}
	}
}

// addTags fills the keys of the tags that an upload sets. It refuses a header that the store
// could read in another way: policies would see other tags than the object gets.
func (o *S3Operation) addTags() *Error {
	header := o.Header["X-Amz-Tagging"]
	if len(header) == 0 {
		return nil
	}
	refused := invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	tags, err := parseQuery(header[0])
	if err != nil {
		return refused
	}
	// Keys of conditions compare without case, so tags that differ only in case share a key.
	values := map[string][]string{}
	var names []string
	for _, t := range tags {
		if t.Name == "" || !utf8.ValidString(t.Name) || !utf8.ValidString(t.Value) {
			return refused
		}
		lower := strings.ToLower(t.Name)
		values[lower] = append(values[lower], t.Value)
		names = append(names, t.Name)
	}
	for name, list := range values {
		o.set("s3:RequestObjectTag/"+name, list...)
	}
	o.set("s3:RequestObjectTagKeys", names...)
	return nil
}
