package template_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cognate/internal/template"
)

// TestProblems wants a message with line and field for each fault of a template.
func TestProblems(t *testing.T) {
	t.Parallel()
	one := func(value string) string {
		return "Resources:\n  A:\n    Type: AWS::Test::A\n    Properties:\n      V: " + value + "\n"
	}
	with := func(head, value string) string { return head + "\n" + one(value) }
	const at = "Resources.A.Properties.V"
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "t.yaml: the template is empty"},
		{"binary", "\x00\x01\x02", "t.yaml: the file is not a text"},
		{"not UTF-8", "Resources: \xff", "t.yaml: the file is not a text"},
		{"a text", "hello", "t.yaml:1: a template must be a mapping with the section Resources, and is a text"},
		{"no resources", "Description: x\n", "t.yaml:1: the section Resources is missing"},
		{"empty resources", "Resources: {}\n", "a template must have a resource"},
		{"resources without value", "Resources:\n", "t.yaml:1: Resources: must be a mapping of names to values, and has no value"},
		{"unknown section", "Resource: {}\nResources: {}\n", "t.yaml:1: Resource: a template has no such section; did you mean Resources?"},
		{"syntax", "Resources: [\n", "line"},
		{"JSON syntax", "{\"Resources\": \n}", "line 2"},
		{"two documents", one("1") + "---\n" + one("2"), "the file must have one document"},
		{"duplicate key", one("1\n      V: 2"), "t.yaml:6: " + at + ": is there twice; it is on line 5, too"},
		{"duplicate key in JSON", "{\"Resources\": {},\n\"Resources\": {}}", "t.yaml:2: Resources: is there twice; it is on line 1, too"},
		{"no type", "Resources:\n  A: {}\n", "t.yaml:2: Resources.A: the entry Type is missing"},
		{"strange type", "Resources:\n  A: {Type: UserPool}\n", "t.yaml:2: Resources.A.Type: must be a type such as AWS::Cognito::UserPool"},
		{"unknown attribute", "Resources:\n  A: {Type: AWS::Test::A, Propertis: {}}\n", "Resources.A.Propertis: a resource has no such entry; did you mean Properties?"},
		{"strange name", "Resources:\n  a-b: {Type: AWS::Test::A}\n", "Resources.a-b: the name of a resource must have letters and digits only"},
		{"properties", "Resources:\n  A: {Type: AWS::Test::A, Properties: [1]}\n", "Resources.A.Properties: must be a mapping of names to values, and is a list"},
		{"null", one("null"), "t.yaml:5: " + at + ": has no value; a template must not have null"},
		{"unknown function", one("!Reff X"), "t.yaml:5: " + at + ": there is no function !Reff; did you mean !Ref?"},
		{"unknown long function", one("{\"Fn::Jion\": [a]}"), at + ".Fn::Jion: there is no function Fn::Jion; did you mean Fn::Join?"},
		{"function beside another entry", one("{\"Fn::Join\": [a], b: 1}"), at + ".Fn::Join: a function must be the only entry of its mapping"},
		{"loop without its transform", one("{\"Fn::ForEach::X\": [a]}"), "t.yaml:5: Fn::ForEach needs the transform AWS::LanguageExtensions"},
		{"loop of one", with("Transform: AWS::LanguageExtensions", "{\"Fn::ForEach::X\": [a]}"), "t.yaml:6: " + at + ".Fn::ForEach::X: a loop must be a list"},
		{"loop over a resource", with("Transform: AWS::LanguageExtensions", "{\"Fn::ForEach::X\": [I, [!Ref B], {a: 1}]}"), "there is no parameter and no resource B"},
		{"loop without its identifier", with("Transform: AWS::LanguageExtensions", "{\"Fn::ForEach::X\": [I, [a, b], {a: 1}]}"), "is there twice"},
		{"loops in loops", with("Transform: AWS::LanguageExtensions", strings.Repeat("{\"Fn::ForEach::X\": [I, [a, b, c, d, e, f], ", 20)+"{'${I}': 1}"+strings.Repeat("]}", 20)), "is there twice"},
		{"a macro for a section", "Resources: {A: {Type: AWS::Test::A}}\nMappings:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: x}}\n", "t.yaml:3: Mappings: must be a mapping of names to values, and is Fn::Transform, which is not supported: a macro runs in AWS only"},
		{"a macro for a resource", "Resources:\n  A:\n    Type: AWS::Test::A\n    Fn::Transform: {Name: Mine}\n", "t.yaml:4: Resources.A: must be a mapping with the entry Type, and is Fn::Transform, which is not supported"},
		{"a reference in a macro", one("!Transform {Name: Mine, Parameters: {A: !Ref B}}"), "there is no parameter and no resource B"},
		{"a macro with parameters", with("Transform: {Name: AWS::Include, Parameters: {Location: x}}", "1"), "t.yaml:1: Transform: the transform AWS::Include runs in AWS only"},
		{"a macro without a name", with("Transform: {Parameters: {Location: x}}", "1"), "t.yaml:1: Transform: must be the name of a transform, and is a mapping"},
		{"unknown reference", with("Parameters: {Stage: {Type: String, Default: a}}", "!Ref Stag"), "t.yaml:6: " + at + ".Ref: there is no parameter and no resource Stag; did you mean Stage?"},
		{"unknown pseudo parameter", one("!Ref AWS::Regio"), "did you mean AWS::Region?"},
		{"reference to a list", one("!Ref [a]"), at + ".Ref: must be a name, and is a list"},
		{"unknown resource", one("!GetAtt B.Arn"), at + ".Fn::GetAtt: there is no resource B"},
		{"no attribute", one("!GetAtt A"), at + ".Fn::GetAtt: must be a resource and an attribute"},
		{"itself", one("!GetAtt A.Arn"), at + ".Fn::GetAtt: the resource A refers to itself"},
		{"Sub of unknown", one("!Sub 'x ${Bc} y'"), at + ".Fn::Sub: there is no parameter and no resource Bc"},
		{"Sub open", one("!Sub 'x ${A'"), at + ".Fn::Sub: the text has ${ without }"},
		{"Sub empty", one("!Sub 'x ${}'"), "${} must have a name"},
		{"Sub of spaces", one("!Sub 'x ${ A }'"), "${ A } must have a name"},
		{"Sub of one", one("!Sub [a]"), at + ".Fn::Sub: the argument must be a list of 2, not 1"},
		{"Join of one", one("!Join [a]"), at + ".Fn::Join: the argument must be a list of 2, not 1"},
		{"Join of a text", one("!Join [a, b]"), at + ".Fn::Join[1]: must be a list, and is a text"},
		{"Join of lists", one("!Join [a, [[b]]]"), "must be a list of texts, and an item is not: is a list"},
		{"Split by nothing", one("!Split ['', b]"), "must be a text that separates the parts"},
		{"Select outside", one("!Select [2, [a, b]]"), at + ".Fn::Select: there is no item 2: the list has 2"},
		{"Select by a name", one("!Select [x, [a, b]]"), "must be the number of an item, from 0"},
		{"If of two", one("!If [a, b]"), at + ".Fn::If: the argument must be a list of 3, not 2"},
		{"If of no condition", with("Conditions: {Prod: !Equals [a, b]}", "!If [Prd, a, b]"), "there is no condition Prd; did you mean Prod?"},
		{"a condition as a value", one("!Equals [a, b]"), "is a function of conditions"},
		{"no mapping", one("!FindInMap [M, a, b]"), "there is no mapping M"},
		{"no first key", with("Mappings: {M: {one: {k: 1}}}", "!FindInMap [M, oen, k]"), "there is no first key oen; did you mean one?"},
		{"no second key", with("Mappings: {M: {one: {key: 1}}}", "!FindInMap [M, one, kay]"), "there is no second key kay; did you mean key?"},
		{"Length without its transform", one("!Length [a]"), "needs the transform AWS::LanguageExtensions"},
		{"a macro", with("Transform: MyMacro", "1"), "t.yaml:1: Transform: the transform MyMacro runs in AWS only"},
		{"SAM misspelled", with("Transform: AWS::Serverless-2016-10-32", "1"), "did you mean AWS::Serverless-2016-10-31?"},
		{"condition of a resource", "Resources:\n  A: {Type: AWS::Test::A, Condition: Prod}\n", "Resources.A.Condition: there is no condition Prod"},
		{"condition refers to itself", with("Conditions:\n  B: !Not [!Condition C]\n  C: !Not [!Condition B]", "1"), "refers to itself"},
		{"condition of a resource's result", with("Conditions:\n  B: !Equals [!Ref A, x]", "1"), "there is no parameter and no resource A"},
		{"condition is a text", with("Conditions:\n  B: yes", "1"), "t.yaml:2: Conditions.B: must be a function of conditions, such as Fn::Equals, and is true or false"},
		{"Not of two", with("Conditions:\n  B: !Not [a, b]", "1"), "Conditions.B.Fn::Not: the argument must be a list of 1, not 2"},
		{"And of one", with("Conditions:\n  B: !And [!Equals [a, b]]", "1"), "the argument must be a list of 2 to 10, not 1"},
		{"resource of a false condition", "Conditions: {Never: !Equals [a, b]}\nResources:\n  A: {Type: AWS::Test::A, Properties: {V: !Ref B}}\n  B: {Type: AWS::Test::B, Condition: Never}\n", "t.yaml:3: Resources.A.Properties.V.Ref: the resource B is not made: its condition Never is false"},
		{"circle", "Resources:\n  A: {Type: AWS::Test::A, Properties: {V: !Ref B}}\n  B: {Type: AWS::Test::B, DependsOn: C}\n  C: {Type: AWS::Test::C, Properties: {V: !Sub '${A}'}}\n", "t.yaml:2: Resources.A: the resources refer to each other in a circle: A → B → C → A"},
		{"depends on itself", "Resources:\n  A: {Type: AWS::Test::A, DependsOn: A}\n", "Resources.A.DependsOn: the resource A depends on itself"},
		{"depends on nothing", "Resources:\n  Pool: {Type: AWS::Test::A, DependsOn: Pol}\n", "there is no resource Pol; did you mean Pool?"},
		{"policy", "Resources:\n  A: {Type: AWS::Test::A, DeletionPolicy: Keep}\n", "Resources.A.DeletionPolicy: must be one of Delete, Retain"},
		{"policy by a function", "Resources:\n  A: {Type: AWS::Test::A, DeletionPolicy: !Sub Retain}\n", "Resources.A.DeletionPolicy: a function needs the transform AWS::LanguageExtensions here"},
		{"output without value", one("1") + "Outputs:\n  O: {}\n", "t.yaml:7: Outputs.O: the entry Value is missing"},
		{"output is a mapping", one("1") + "Outputs:\n  O: {Value: {a: 1}}\n", "Outputs.O.Value: must be a text, and is a mapping"},
		{"parameter type", with("Parameters: {P: {Type: Strin}}", "1"), "Parameters.P.Type: there is no parameter type Strin; did you mean String?"},
		{"parameter entry", with("Parameters: {P: {Type: String, Defalt: a}}", "1"), "Parameters.P.Defalt: a parameter has no such entry; did you mean Default?"},
		{"allowed values", with("Parameters: {P: {Type: String, Default: prd, AllowedValues: [dev, prod]}}", "1"), `the value "prd" must be one of dev, prod; did you mean prod?`},
		{"pattern", with("Parameters: {P: {Type: String, Default: a1, AllowedPattern: '[a-z]+', ConstraintDescription: letters only}}", "1"), `the value "a1" does not match the pattern of the parameter: letters only`},
		{"length", with("Parameters: {P: {Type: String, Default: a, MinLength: 2}}", "1"), `the value "a" is shorter than 2`},
		{"number", with("Parameters: {P: {Type: Number, Default: a}}", "1"), `the value "a" is not a number`},
		{"number of a list", with("Parameters: {P: {Type: List<Number>, Default: '1,x'}}", "1"), `the value "x" is not a number`},
		{"largest", with("Parameters: {P: {Type: Number, Default: 9, MaxValue: 8}}", "1"), `the value "9" is more than 8`},
		{"secret", with("Parameters: {P: {Type: String, Default: hunter2, NoEcho: true, MinLength: 20}}", "1"), "the value is shorter than 20"},
		{"secret as a key", with("Parameters: {P: {Type: String, Default: hunter2, NoEcho: true}}\nMappings: {M: {one: {k: 1}}}", "!FindInMap [M, !Ref P, k]"), "there is no first key ****"},
		{"secret of a list", with("Parameters: {P: {Type: CommaDelimitedList, Default: 'a, hunter2', NoEcho: true}}\nMappings: {M: {one: {k: 1}}}", "!FindInMap [M, one, !Select [1, !Ref P]]"), "there is no second key ****"},
		{"alias of itself", "Resources: &a\n  A: *a\n", "the alias *a contains itself"},
		{"nested without a file", "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: gone.yaml}}\n", "Resources.N.Properties.TemplateURL: there is no file"},
		{"nested at an address", "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: https://x}}\n", "must be the path of a file"},
		{"nested in itself", "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: t.yaml}}\n", "the template t.yaml nests itself"},
		{"deep", one(strings.Repeat("[", 300) + strings.Repeat("]", 300)), "values are nested too deep"},
		{"very deep", one(strings.Repeat("[", 9000) + strings.Repeat("]", 9000)), "too deep"},
		{"event of no pool", "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        E: {Type: Cognito, Properties: {UserPool: !Ref P, Trigger: PreSignUp}}\n", "t.yaml:7: Resources.F.Properties.Events.E.Properties.UserPool: must be Ref of a user pool of the same template"},
		{"event of no trigger", "Transform: AWS::Serverless-2016-10-31\nResources:\n  P: {Type: AWS::Cognito::UserPool}\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        E: {Type: Cognito, Properties: {UserPool: !Ref P, Trigger: PreSignup}}\n", "did you mean PreSignUp?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := template.Read(write(t, "t.yaml", test.text), template.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && (len(err.Error()) > 20_000 || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("got %.300q", err)
			}
		})
	}
}

// TestMask hides the secrets of a template and of its nested templates, in each form in which a text quotes them.
func TestMask(t *testing.T) {
	t.Parallel()
	const text = `
Parameters:
  Word: {Type: String, NoEcho: true}
  Short: {Type: String, NoEcho: true, Default: abc}
  Open: {Type: String, Default: known}
Resources:
  Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: nested.yaml, Parameters: {Inner: !Sub "${Open}-inside"}}}
  A: {Type: AWS::Test::A, Properties: {V: "{{resolve:secretsmanager:x}}"}}
`
	const nested = "Parameters: {Inner: {Type: String, NoEcho: true}}\nResources: {A: {Type: AWS::Test::A, Properties: {V: !Ref Inner}}}\n"
	const word = "say \"<frïend>\"\n"
	tmpl, err := template.Read(write(t, "t.yaml", text, "nested.yaml", nested), template.Options{Parameters: map[string]string{"Word": word, "resolve:secretsmanager:x": "resolved"}})
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(word)
	if err != nil {
		t.Fatal(err)
	}
	given := fmt.Sprintf("%s, %q, %s, known-inside, resolved, abc, known", word, word, asJSON)
	if got, want := tmpl.Mask(given), `****, "****", "****", ****, ****, abc, known`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	// A long value has no end in a text that is cut.
	long := strings.Repeat("hunter2 ", 100)
	_, err = template.Read(write(t, "t.yaml", "Parameters: {P: {Type: String, NoEcho: true}}\nMappings: {M: {one: {k: 1}}}\nResources: {A: {Type: AWS::Test::A, Properties: {V: !FindInMap [M, !Ref P, k]}}}\n"),
		template.Options{Parameters: map[string]string{"P": long}})
	if err == nil || !strings.Contains(err.Error(), "no first key ****") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a long value: %v", err)
	}
}

// TestParameters: all parameters without a value are listed, and unknown ones.
func TestParameters(t *testing.T) {
	t.Parallel()
	const text = "Parameters:\n  One: {Type: String}\n  Two: {Type: String}\n  Three: {Type: String}\nResources: {A: {Type: AWS::Test::A}}\n"
	_, err := template.Read(write(t, "t.yaml", text), template.Options{Parameters: map[string]string{"Tow": "x", "Three": "y"}})
	for _, want := range []string{"a value is set for the parameter Tow, which the template does not have; did you mean Two?", ":2: Parameters.One: the parameter has no value", ":3: Parameters.Two: the parameter has no value"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "Three") {
		t.Errorf("got %v", err)
	}
	const imports = "Resources: {A: {Type: AWS::Test::A, Properties: {V: !ImportValue x-pool}}}\n"
	for _, name := range []string{"x-pol", "A.Secret"} {
		_, err := template.Read(write(t, "t.yaml", imports), template.Options{Parameters: map[string]string{name: "y"}})
		if err == nil || !strings.Contains(err.Error(), "a value is set for the parameter "+name) {
			t.Errorf("got %v", err)
		}
	}
}

// TestNeeded: a value that only AWS has, and a function that only AWS runs, hinder only those that need them.
func TestNeeded(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{}, "t.yaml", `
Parameters: {Key: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/key}}
Resources:
  A: {Type: AWS::Test::A, Properties: {V: !Ref Key}}
  B: {Type: AWS::Test::B, Properties: {V: !Cidr [x, 1, 2]}}
  C: {Type: AWS::Test::B, Properties: {V: !ImportValue x}}
  D: {Type: AWS::Test::D, Properties: {V: !GetAtt A.Color}}
  E: {Type: AWS::Test::E, Properties: {V: !Transform {Name: AWS::Include, Parameters: {Location: api.yaml}}}}
  F: {Type: AWS::Test::F, Properties: {V: {"Fn::Transform": {Name: AWS::Include}, b: !Ref A}}}
  G: {Type: AWS::Test::G, Properties: {"Fn::Transform": {Name: Mine}, V: 1}}
Outputs:
  One: {Value: !Ref Key}
  Two: {Value: x}
`)
	none := func(string) (template.Values, bool) {
		return template.Values{Attributes: map[string]any{"Colour": ""}}, true
	}
	for path, want := range map[string]string{
		"A": "t.yaml:4: Resources.A.Properties.V.Ref: the value of the parameter Key is in Systems Manager",
		"B": "Fn::Cidr is not supported", "C": "the export x of another stack is not known",
		"E": "t.yaml:8: Resources.E.Properties.V.Fn::Transform: Fn::Transform is not supported: a macro runs in AWS only",
		"F": "t.yaml:9: Resources.F.Properties.V.Fn::Transform: Fn::Transform is not supported",
		"G": "t.yaml:10: Resources.G.Properties.Fn::Transform: Fn::Transform is not supported",
		"D": "t.yaml:7: Resources.D.Properties.V.Fn::GetAtt: a resource of the type AWS::Test::A has no attribute Color; did you mean Colour?",
	} {
		if _, err := tmpl.Properties(resource(t, tmpl, path), none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	outputs, err := tmpl.Outputs(none)
	if err == nil || !strings.Contains(err.Error(), "Systems Manager") || len(outputs) != 1 || outputs[0].Name != "Two" {
		t.Errorf("got %v, %v", outputs, err)
	}
	if _, err := tmpl.Properties(resource(t, tmpl, "D"), func(string) (template.Values, bool) { return template.Values{}, false }); err == nil || !strings.Contains(err.Error(), "the resource A was not made") {
		t.Errorf("got %v", err)
	}
}

// TestOutside: a template cannot read files outside of its folder, not even through a link.
func TestOutside(t *testing.T) {
	t.Parallel()
	const nests = "Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: %s}}}\n"
	root := write(t, "in/t.yaml", fmt.Sprintf(nests, "../other.yaml"), "in/link.yaml", fmt.Sprintf(nests, "linked.yaml"), "other.yaml", "Resources: {A: {Type: AWS::Test::A}}")
	folder := filepath.Dir(root)
	if err := os.Symlink("../other.yaml", filepath.Join(folder, "linked.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t.yaml", "link.yaml"} {
		if _, err := template.Read(filepath.Join(folder, name), template.Options{}); err == nil || !strings.Contains(err.Error(), "is outside of the folder of the template") {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := template.Read(filepath.Join(folder, name), template.Options{Folder: filepath.Dir(folder)}); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestBombs: small templates that stand for much end in an error, before the memory does.
func TestBombs(t *testing.T) {
	t.Parallel()
	var aliases strings.Builder
	aliases.WriteString("Resources:\n  A:\n    Type: AWS::Test::A\n    Properties:\n      k0: &k0 {a: \"" + strings.Repeat("x", 1000) + "\"}\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&aliases, "      k%d: &k%d {", i, i)
		for m := range 10 {
			fmt.Fprintf(&aliases, "m%d: *k%d, ", m, i-1)
		}
		aliases.WriteString("}\n")
	}
	join := "Parameters: {P0: {Type: String, Default: " + strings.Repeat("x", 1000) + "}}\nResources:\n  A:\n    Type: AWS::Test::A\n    Properties:\n      V: &v0 !Join ['', [!Ref P0, !Ref P0]]\n"
	for i := 1; i < 40; i++ {
		join += fmt.Sprintf("      V%d: &v%d !Join ['', [*v%d, *v%d]]\n", i, i, i-1, i-1)
	}
	var stacks []string
	for i := range 30 {
		text := "Resources:\n"
		for m := range 3 {
			text += fmt.Sprintf("  N%d: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: s%d.yaml}}\n", m, i+1)
		}
		stacks = append(stacks, fmt.Sprintf("s%d.yaml", i), text)
	}
	stacks = append(stacks, "s30.yaml", "Resources: {A: {Type: AWS::Test::A}}")
	var functions strings.Builder
	functions.WriteString("Transform: AWS::Serverless-2016-10-31\nMetadata:\n  A0: &a0 {x: {y: 1}}\n  B0: &b0 {x: {z: 1}}\n")
	for i := 1; i < 30; i++ {
		for _, c := range "ab" {
			fmt.Fprintf(&functions, "  %c%d: &%c%d {l: *%c%d, r: *%c%d}\n", c, i, c, i, c, i-1, c, i-1)
		}
	}
	functions.WriteString("Globals: {Function: {Tags: *a29}}\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Tags: *b29}}}\n")
	merges := "Metadata:\n  a0: &a0 {}\n"
	for i := 1; i < 60; i++ {
		merges += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	merges += "  <<: *a59\nResources: {A: {Type: AWS::Test::A}}\n"
	doubled := "{'N${I59}': {Type: AWS::Test::A}}"
	for i := 59; i > 0; i-- {
		doubled = fmt.Sprintf("{'Fn::ForEach::L%d': [I%d, ['${I%d}${I%d}'], %s]}", i, i, i-1, i-1, doubled)
	}
	doubled = "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::L0': [I0, [abcdefgh], " + doubled + "]}\n"
	empty := "Transform: AWS::LanguageExtensions\nParameters: {P: {Type: CommaDelimitedList, Default: '" + strings.Repeat("a,", 50_000) + "a'}}\nResources:\n" +
		"  'Fn::ForEach::A': [A, !Ref P, {'Fn::ForEach::B': [B, !Ref P, {}]}]\n  A: {Type: AWS::Test::A}\n"
	for _, test := range []struct {
		name  string
		files []string
		want  string
	}{
		{"lists of merge keys", []string{"t.yaml", merges}, "t.yaml:2: Metadata: the aliases of the file repeat too much"},
		{"texts of loops", []string{"t.yaml", doubled}, "too large with what its loops repeat"},
		{"loops without a body", []string{"t.yaml", empty}, "t.yaml:4: Resources.Fn::ForEach::B: the template is too large with what its loops repeat"},
		{"aliases", []string{"t.yaml", aliases.String()}, "too large with what its aliases repeat"},
		{"joined texts", []string{"t.yaml", join}, "the texts of the template are too long"},
		{"large", []string{"t.yaml", strings.Repeat("# comment\n", 600_000)}, "the template is larger than 5 MB"},
		{"settings of all functions", []string{"t.yaml", functions.String()}, "the aliases of the file repeat too much"},
		{"stacks", stacks, "more than 200 nested stacks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := template.Read(write(t, test.files...), template.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 20_000 {
				t.Errorf("got %.300v", err)
			}
		})
	}
}

// FuzzRead: no text makes the reader or the evaluator panic or run for ever.
func FuzzRead(f *testing.F) {
	f.Add([]byte("Resources: {A: {Type: AWS::Test::A, Properties: {V: !Sub '${A.B}', W: !If [C, &x a, *x]}}}\nConditions: {C: !Equals [a, b]}\n"))
	f.Add([]byte(`{"Resources": {"A": {"Type": "AWS::Test::A", "Properties": {"V": {"Fn::Join": ["", [{"Ref": "AWS::Region"}, {"Fn::Select": [0, {"Fn::GetAZs": ""}]}]]}}}}}`))
	f.Add([]byte("Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Layers: [a]}}\nResources:\n  P: {Type: AWS::Cognito::UserPool}\n  F: {Type: AWS::Serverless::Function, Properties: {<<: {a: b}, Events: {E: {Type: Cognito, Properties: {UserPool: !Ref P, Trigger: PreSignUp}}}}}\nOutputs: {O: {Value: !GetAtt F.Arn}}\n"))
	f.Add([]byte("Parameters: {P: {Type: List<Number>, Default: '1,2', AllowedPattern: '('}}\nMappings: {M: {a: {b: c}}}\nResources: {A: {Type: AWS::Test::A, Properties: {V: !FindInMap [M, a, b], W: !Cidr [a], X: !Base64 x}}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tmpl, err := template.Read(write(t, "t.yaml", string(text)), template.Options{})
		if err != nil {
			return
		}
		for _, r := range tmpl.Resources() {
			if p, err := tmpl.Properties(r, made(tmpl)); err == nil && p == nil {
				t.Error("neither properties nor an error")
			}
		}
		if _, err := tmpl.Outputs(made(tmpl)); err != nil {
			return
		}
	})
}

// TestNestedProblems names the file of a nested template, and the line of the template above.
func TestNestedProblems(t *testing.T) {
	t.Parallel()
	const nests = "Resources:\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: n.yaml\n      Parameters: {%s}\n"
	const nested = "Parameters: {P: {Type: Number}, Q: {Type: String, Default: x}}\nResources: {A: {Type: AWS::Test::A, Properties: {V: %s}}}\n"
	for _, test := range []struct{ name, given, value, want string }{
		{"missing", "", "1", "t.yaml:2: Resources.N.Properties.Parameters: the parameter P of the nested template has no value and no default"},
		{"unknown", "P: 1, R: 2", "1", "t.yaml:6: Resources.N.Properties.Parameters.R: the nested template has no such parameter"},
		{"wrong", "P: x", "!Ref P", `t.yaml:6: Resources.N.Properties.Parameters.P: the value "x" is not a number`},
		{"a mapping", "P: {a: 1}", "!Ref P", "t.yaml:6: Resources.N.Properties.Parameters.P: must be a text, and is a mapping"},
		{"unused", "P: 1, Q: !Ref Gone", "1", "t.yaml:6: Resources.N.Properties.Parameters.Q.Ref: there is no parameter and no resource Gone"},
		{"inside", "P: 1", "!Ref X", "n.yaml:2: Resources.A.Properties.V.Ref: there is no parameter and no resource X"},
		{"itself", "P: !GetAtt N.Outputs.O", "!Ref P", "the nested template"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := write(t, "t.yaml", fmt.Sprintf(nests, test.given), "n.yaml", fmt.Sprintf(nested, test.value))
			if _, err := template.Read(file, template.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	loop := write(t, "t.yaml", fmt.Sprintf(nests, "P: !GetAtt N.Outputs.O"), "n.yaml", fmt.Sprintf(nested, "!Ref P")+"Outputs: {O: {Value: !Ref P}}\n")
	if _, err := template.Read(loop, template.Options{}); err == nil || !strings.Contains(err.Error(), "the value refers to itself") {
		t.Errorf("got %v", err)
	}
}
