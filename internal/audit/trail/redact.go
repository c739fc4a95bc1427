package trail

import (
	"encoding/json"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"cognate/internal/api/awsjson"
)

// A rule says how a record shows a member.
type rule uint8

const (
	keep rule = iota
	// hide shows that the member was there, and nothing of its value.
	hide
	// hideValues keeps the keys of a map.
	hideValues
)

// rules are the exceptions from the model. By default a record hides the members that the model
// marks as sensitive, documents and blobs, and keeps the others. A key is a member, or a member of
// one structure: "sts.AssumeRoleRequest.Tags".
var rules = map[string]rule{
	// Ids that the model marks as sensitive.
	"ClientId": keep,

	// Secrets and what stands for them, which the model does not mark.
	"AccessToken": hide, "RefreshToken": hide, "IdToken": hide, "Session": hide, "Token": hide, "SessionToken": hide,
	"ConfirmationCode": hide, "Code": hide, "UserCode": hide, "TokenCode": hide, "SecretCode": hide, "SecretHash": hide,
	"PasswordVerifier": hide, "Salt": hide, "PreSignedUrl": hide, "ProviderDetails": hide, "ChallengeParameters": hide,
	"ContextAssertion": hide, "EncodedMessage": hide, "DecodedMessage": hide, "NextToken": hide, "PaginationToken": hide, "Marker": hide,
	"Logins": hideValues,

	// What names or describes a person.
	"Filter": hide, "ClientMetadata": hide, "EncodedData": hide, "IpAddress": hide, "HeaderValue": hide, "City": hide, "Country": hide, "Timezone": hide, "Destination": hide,
	"DeviceKey": hide, "FriendlyDeviceName": hide, "DeviceName": hide, "FriendlyCredentialName": hide, "CredentialId": hide, "UserSub": hide,
	"ProviderAttributeValue": hide, "DeveloperUserIdentifier": hide, "DeveloperUserIdentifierList": hide,
	"DestinationUserIdentifier": hide, "SourceUserIdentifier": hide, "SourceIdentity": hide, "Subject": hide,
	"SubjectFromWebIdentityToken": hide, "NameQualifier": hide, "AttributeValue": hide,
	"sts.AssumeRoleWithSAMLResponse.AssumedRoleUser":        hide,
	"sts.AssumeRoleWithWebIdentityRequest.RoleSessionName":  hide,
	"sts.AssumeRoleWithWebIdentityResponse.AssumedRoleUser": hide,
	"sts.GetFederationTokenRequest.Name":                    hide,
	"sts.GetFederationTokenResponse.FederatedUser":          hide,
	"sts.AssumeRoleRequest.Tags":                            hide,
	"sts.GetFederationTokenRequest.Tags":                    hide,
	"sts.GetWebIdentityTokenRequest.Tags":                   hide,
	// Subjects of mail templates are no persons.
	"idp.NotifyEmailType.Subject": keep,
}

// ruleOf returns the rule of a field of a generated structure.
func ruleOf(t reflect.Type, f reflect.StructField) rule {
	if r, ok := rules[path.Base(t.PkgPath())+"."+t.Name()+"."+f.Name]; ok {
		return r
	}
	if r, ok := rules[f.Name]; ok {
		return r
	}
	if f.Tag.Get("log") != "secret" || isStructures(f.Type) {
		return keep
	}
	return hide
}

// isStructures reports whether a type is a list of structures, whose own fields have rules.
func isStructures(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// plans holds the plan of each type.
var plans sync.Map // reflect.Type → []fieldPlan

type fieldPlan struct {
	index int
	key   string // `"userPoolId":`
	rule  rule
}

func planOf(t reflect.Type) []fieldPlan {
	if p, ok := plans.Load(t); ok {
		return p.([]fieldPlan)
	}
	list := make([]fieldPlan, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		list = append(list, fieldPlan{i, `"` + strings.ToLower(f.Name[:1]) + f.Name[1:] + `":`, ruleOf(t, f)})
	}
	plans.Store(t, list)
	return list
}

// A redactor writes a structure of the model as CloudTrail shows it, and remembers what it has
// hidden.
type redactor struct{ hidden []string }

var (
	typeTime     = reflect.TypeFor[time.Time]()
	typeDocument = reflect.TypeFor[json.RawMessage]()
)

// redact returns a structure, or nil if there is none.
func (x *redactor) redact(structure any, what string) json.RawMessage {
	v := reflect.ValueOf(structure)
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	b := x.value(make([]byte, 0, 256), v)
	if string(b) == "{}" {
		return nil
	}
	if len(b) > maxParameters {
		return json.RawMessage(`{"omitted":true,"originalSize":` + string(awsjson.Int(nil, int64(len(b)))) + `,"reason":"` + what + ` too large"}`)
	}
	return b
}

// maxParameters is the longest text of parameters or elements that a record holds.
const maxParameters = 32 << 10

func (x *redactor) value(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return x.value(b, v.Elem())
	case reflect.Struct:
		if v.Type() == typeTime {
			return awsjson.String(b, v.Interface().(time.Time).UTC().Format(time.RFC3339))
		}
		return x.structure(b, v)
	case reflect.Slice:
		if v.Type() == typeDocument || v.Type().Elem().Kind() == reflect.Uint8 {
			return append(b, `"`+Hidden+`"`...)
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = x.value(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.Map:
		return x.mapping(b, v, keep)
	case reflect.Bool:
		return awsjson.Bool(b, v.Bool())
	case reflect.Int32, reflect.Int64:
		return awsjson.Int(b, v.Int())
	}
	return awsjson.String(b, v.String())
}

func (x *redactor) structure(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	for _, f := range planOf(v.Type()) {
		field := v.Field(f.index)
		if field.IsZero() {
			continue
		}
		b = awsjson.Name(b, f.key)
		switch {
		case f.rule == keep:
			b = x.value(b, field)
		case f.rule == hideValues && field.Kind() == reflect.Map:
			b = x.mapping(b, field, hide)
		default:
			x.remember(field)
			b = append(b, `"`+Hidden+`"`...)
		}
	}
	return append(b, '}')
}

func (x *redactor) mapping(b []byte, v reflect.Value, values rule) []byte {
	b = append(b, '{')
	for _, key := range sortedKeys(v) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(awsjson.String(b, key.String()), ':')
		if value := v.MapIndex(key); values == keep {
			b = x.value(b, value)
		} else {
			x.remember(value)
			b = append(b, `"`+Hidden+`"`...)
		}
	}
	return append(b, '}')
}

func sortedKeys(v reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
}

// remember notes the texts in a hidden value: messages of errors may repeat them.
func (x *redactor) remember(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			x.remember(v.Elem())
		}
	case reflect.String:
		if v.Len() > 0 {
			x.hidden = append(x.hidden, v.String())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				x.remember(v.Index(i))
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			x.remember(it.Value())
		}
	case reflect.Struct:
		if v.Type() != typeTime {
			for _, field := range v.Fields() {
				x.remember(field)
			}
		}
	}
}

// violated finds the values in the messages about broken constraints. It is greedy: a value may
// contain anything.
var violated = regexp.MustCompile(`(?s)Value '.*' at '`)

// maxMessage is the longest message of an error, as in CloudTrail.
const maxMessage = 1024

// message returns the text of an error without what the record hides. decoded is false if the
// input could not be read, so that what it hides is unknown.
func (x *redactor) message(text string, decoded bool) string {
	text, _, _ = strings.Cut(text, " Encoded authorization failure message:")
	if !decoded {
		text = violated.ReplaceAllString(text, "Value at '")
	}
	for _, s := range x.hidden {
		text = replaceText(text, s)
	}
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}
	return validText(text)
}

// shortText is the length below which a hidden text is replaced only where it is a whole word.
const shortText = 4

func replaceText(text, hidden string) string {
	if !strings.Contains(text, hidden) {
		return text
	}
	if len(hidden) >= shortText {
		return strings.ReplaceAll(text, hidden, Hidden)
	}
	return regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(hidden)+`($|\W)`).ReplaceAllString(text, "${1}"+Hidden+"${2}")
}

// validText returns a text that the database takes.
func validText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
