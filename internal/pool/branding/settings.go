package branding

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Document is the settings of a managed login style: a tree of JSON objects, whose numbers are [json.Number].
type Document map[string]any

//go:embed default_settings.json
var defaultSettingsJSON []byte

// decodeDocument reads a JSON object.
func decodeDocument(b []byte) (Document, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var doc Document
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, errors.New("not an object")
	}
	return doc, nil
}

func encodeDocument(d Document) json.RawMessage {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // It has nothing but maps, lists, texts, numbers and booleans.
	}
	return b
}

// mustDecode reads a document that the program has in itself.
func mustDecode(b []byte) Document {
	doc, err := decodeDocument(b)
	if err != nil {
		panic(err)
	}
	return doc
}

// defaultSettings are what applies where a style says nothing. Nobody may change them.
var defaultSettings = mustDecode(defaultSettingsJSON)

// Bool returns the boolean at a path, or false.
func (d Document) Bool(path ...string) bool {
	v, _ := d.at(path).(bool)
	return v
}

// Text returns the text at a path, or "".
func (d Document) Text(path ...string) string {
	v, _ := d.at(path).(string)
	return v
}

// Number returns the number at a path, or 0.
func (d Document) Number(path ...string) float64 {
	v, _ := d.at(path).(json.Number)
	f, _ := v.Float64()
	return f
}

// Texts returns the texts of the list at a path.
func (d Document) Texts(path ...string) []string {
	list, _ := d.at(path).([]any)
	var texts []string
	for _, v := range list {
		if text, ok := v.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// FirstAuthMethod returns the type of the first way to sign in that the page shows, such as
// FEDERATED; "" if the settings do not say so.
func (d Document) FirstAuthMethod() string {
	groups, _ := d.at([]string{"categories", "auth", "authMethodOrder"}).([]any)
	for _, group := range groups {
		methods, _ := group.([]any)
		for _, method := range methods {
			if m, ok := method.(map[string]any); ok {
				kind, _ := m["type"].(string)
				return kind
			}
		}
	}
	return ""
}

func (d Document) at(path []string) any {
	var v any = map[string]any(d)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// merged returns the document with what over has put over it. Objects are merged, all else is replaced.
func (d Document) merged(over Document) Document { return mergeObjects(d, over) }

func mergeObjects(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for key, v := range over {
		inner, ok := v.(map[string]any)
		if !ok {
			out[key] = v
			continue
		}
		below, _ := out[key].(map[string]any)
		out[key] = mergeObjects(below, inner)
	}
	return out
}

// A settingError is a setting with a value that it must not have.
type settingError struct{ path, wanted string }

func (e *settingError) Error() string {
	return fmt.Sprintf("Invalid settings: %s must be %s.", e.path, e.wanted)
}

// A check returns what is stored of a value. It must know all that it lets through.
type check func(path string, v any) (any, error)

// settingChecks are the checks of settings whose default does not say what else they may be. Words without a list are
// those of which AWS documents no others: pages take a word that they do not know for the default.
var settingChecks = map[string]check{
	"categories.auth.authMethodOrder":            checkList(10, checkList(10, checkRecord(map[string]check{"display": checkWord("BUTTON", "INPUT"), "type": checkWord()}))),
	"categories.auth.federation.interfaceStyle":  checkWord(),
	"categories.auth.federation.order":           checkList(maxProviders, checkText),
	"categories.form.location.horizontal":        checkWord(),
	"categories.form.location.vertical":          checkWord(),
	"categories.form.sessionTimerDisplay":        checkWord(),
	"categories.global.colorSchemeMode":          checkWord("LIGHT", "DARK", "DYNAMIC"),
	"categories.global.spacingDensity":           checkWord(),
	"categories.signUp.acceptanceElements":       checkList(10, checkRecord(map[string]check{"enforcement": checkWord(), "textKey": checkText})),
	"components.favicon.enabledTypes":            checkList(2, checkWord("ICO", "SVG")),
	"components.form.logo.formInclusion":         checkWord(),
	"components.form.logo.location":              checkWord(),
	"components.form.logo.position":              checkWord(),
	"components.pageFooter.logo.location":        checkWord(),
	"components.pageHeader.logo.location":        checkWord(),
	"components.phoneNumberSelector.displayType": checkWord(),
}

// customButtons is where the settings keep the buttons that differ from the standard one.
const customButtons = "components.idpButton.custom"

const (
	maxProviders = 300 // of a pool (Cognito: quotas in user pools)
	maxRadius    = 64
)

var (
	colourPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}$`)
	wordPattern   = regexp.MustCompile(`^[A-Z][A-Z_]{0,39}$`)
	buttonPattern = regexp.MustCompile(`^[\w\- ]{1,40}$`)
)

// checkSettings returns what is stored of a request's settings: those that the default document has, too. It drops unknown
// ones.
func checkSettings(b json.RawMessage) (Document, error) {
	doc, err := decodeDocument(b)
	if err != nil {
		return nil, invalid("Invalid settings: a JSON object is expected.")
	}
	checked, err := checkObject("", doc, defaultSettings)
	if err != nil {
		return nil, invalid(err.Error())
	}
	return checked, nil
}

// checkObject checks an object by the defaults of its members.
func checkObject(path string, v any, defaults map[string]any) (Document, error) {
	var object map[string]any
	switch m := v.(type) {
	case Document:
		object = m
	case map[string]any:
		object = m
	default:
		return nil, &settingError{path, "an object"}
	}
	out := Document{}
	for key, standard := range defaults {
		member, ok := object[key]
		if !ok {
			continue
		}
		checked, err := checkMember(strings.TrimPrefix(path+"."+key, "."), member, standard)
		if err != nil {
			return nil, err
		}
		out[key] = checked
	}
	return out, nil
}

func checkMember(path string, v, standard any) (any, error) {
	if f, ok := settingChecks[path]; ok {
		return f(path, v)
	}
	if path == customButtons {
		return checkCustomButtons(path, v)
	}
	switch s := standard.(type) {
	case map[string]any:
		object, err := checkObject(path, v, s)
		return map[string]any(object), err
	case bool:
		return checkBool(path, v)
	case json.Number:
		return checkRadius(path, v)
	}
	return checkColour(path, v)
}

func checkBool(path string, v any) (any, error) {
	if _, ok := v.(bool); !ok {
		return nil, &settingError{path, "true or false"}
	}
	return v, nil
}

func checkRadius(path string, v any) (any, error) {
	n, _ := v.(json.Number)
	if f, err := n.Float64(); err != nil || f < 0 || f > maxRadius {
		return nil, &settingError{path, fmt.Sprintf("a number from 0 to %d", maxRadius)}
	}
	return v, nil
}

func checkColour(path string, v any) (any, error) {
	if s, ok := v.(string); !ok || !colourPattern.MatchString(s) {
		return nil, &settingError{path, "a colour of eight hexadecimal digits (RRGGBBAA)"}
	}
	return v, nil
}

// checkText takes names, which pages never show.
func checkText(path string, v any) (any, error) {
	const most = 128
	if s, ok := v.(string); !ok || s == "" || utf8.RuneCountInString(s) > most {
		return nil, &settingError{path, fmt.Sprintf("a text of 1 to %d characters", most)}
	}
	return v, nil
}

// checkWord takes one of the words, or any in capital letters if there is no list.
func checkWord(words ...string) check {
	return func(path string, v any) (any, error) {
		s, _ := v.(string)
		if len(words) == 0 {
			if !wordPattern.MatchString(s) {
				return nil, &settingError{path, "a word in capital letters"}
			}
			return v, nil
		}
		if slices.Contains(words, s) {
			return v, nil
		}
		return nil, &settingError{path, "one of " + strings.Join(words, ", ")}
	}
}

func checkList(most int, element check) check {
	return func(path string, v any) (any, error) {
		list, ok := v.([]any)
		if !ok || len(list) > most {
			return nil, &settingError{path, fmt.Sprintf("a list of at most %d elements", most)}
		}
		out := make([]any, len(list))
		for i, e := range list {
			var err error
			if out[i], err = element(fmt.Sprintf("%s[%d]", path, i), e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// checkRecord takes an object with all of the members.
func checkRecord(members map[string]check) check {
	return func(path string, v any) (any, error) {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, &settingError{path, "an object"}
		}
		out := map[string]any{}
		for key, f := range members {
			var err error
			if out[key], err = f(path+"."+key, object[key]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// checkCustomButtons takes an object that has, by the name of an identity provider or of an icon, what replaces the
// standard button.
func checkCustomButtons(path string, v any) (any, error) {
	buttons, ok := v.(map[string]any)
	if !ok || len(buttons) > maxProviders {
		return nil, &settingError{path, fmt.Sprintf("an object of at most %d members", maxProviders)}
	}
	standard, _ := defaultSettings.at([]string{"components", "idpButton", "standard"}).(map[string]any)
	out := map[string]any{}
	for name, b := range buttons {
		if !buttonPattern.MatchString(name) {
			return nil, &settingError{path, "an object whose names have 1 to 40 letters, digits, blanks, - and _"}
		}
		object, err := checkObject(path+"."+name, b, standard)
		if err != nil {
			return nil, err
		}
		out[name] = map[string]any(object)
	}
	return out, nil
}
