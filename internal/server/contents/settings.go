// Package contents fills a development server with the resources of a template and a seed: first the
// template, then the seed. It applies a template again when its files change. The server passes it the
// settings and the services.
package contents

import (
	"cmp"
	"regexp"
	"strings"

	"cognate/internal/template"
)

// Settings are the settings of seeds and templates.
type Settings struct {
	Seed string `group:"Development" placeholder:"FILE" help:"Bring dev into the state that a YAML or JSON file describes before it answers: user pools, app clients, users, identity pools, roles. docs/seeds.md."`

	SeedCognitoLocal string `group:"Development" placeholder:"DIR" help:"As --seed, from the folder of cognito-local (.cognito): its user pools, app clients and users with their passwords."`

	Template          string   `group:"Development" placeholder:"FILE" help:"Create in dev what a CloudFormation or SAM template describes: user pools, identity pools, roles and the functions that they call. A folder that cdk synth has written may be named, too. Changes of the file are applied within seconds. docs/templates.md."`
	TemplateParameter []string `group:"Development" placeholder:"NAME=VALUE" sep:"none" help:"Value of a parameter of the template, or @FILE for values of a JSON file. May be repeated."`
	StackName         string   `group:"Development" placeholder:"NAME" help:"Name of the stack of the template. The default is the name that CDK has chosen, or that of the file."`
	StackRegion       string   `group:"Development" default:"us-east-1" placeholder:"REGION" help:"Region of the stack of the template, and of what it creates."`

	AmplifyOutputs string `group:"Development" placeholder:"FILE" help:"Write amplify_outputs.json, from which Amplify reads what the template made: at the start and after each change."`
	AWSExports     string `name:"aws-exports" group:"Development" placeholder:"FILE" help:"As --amplify-outputs, write aws-exports.js of Amplify Gen 1."`
	EnvFile        string `group:"Development" placeholder:"FILE" help:"As --amplify-outputs, write a file of environment variables (.env) with the ids and outputs of the template."`
}

const defaultRegion = "us-east-1"

var (
	stackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
	region    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}$`)
)

// Check adds a problem for each fault of the settings. dev is set for a development server.
func (s *Settings) Check(dev bool, add func(setting, format string, args ...any)) {
	if !dev {
		for _, setting := range append(s.ofTemplates(), setting{"seed", s.Seed}, setting{"seed-cognito-local", s.SeedCognitoLocal}) {
			if setting.value != "" {
				add(setting.name, "is only for cognate dev")
			}
		}
		return
	}
	if s.Seed != "" && s.SeedCognitoLocal != "" {
		add("seed-cognito-local", "cannot be used together with --seed")
	}
	if _, err := template.ParseParameters(s.TemplateParameter); err != nil {
		add("template-parameter", "%v", err)
	}
	if s.StackName != "" && !stackName.MatchString(s.StackName) {
		add("stack-name", "must begin with a letter, and have letters, digits and hyphens, 128 at most")
	}
	if s.StackRegion != "" && !region.MatchString(s.StackRegion) {
		add("stack-region", "%q is not a Region, such as eu-west-1", s.StackRegion)
	}
	for _, setting := range s.ofTemplates()[1:] {
		if s.Template == "" && setting.value != "" {
			add(setting.name, "needs --template")
		}
	}
}

// A setting is a setting by its name, and its value as a text.
type setting struct{ name, value string }

// ofTemplates returns the settings of templates. The file of the template is first.
func (s *Settings) ofTemplates() []setting {
	return []setting{
		{"template", s.Template}, {"template-parameter", strings.Join(s.TemplateParameter, ",")}, {"stack-name", s.StackName},
		{"amplify-outputs", s.AmplifyOutputs}, {"aws-exports", s.AWSExports}, {"env-file", s.EnvFile},
	}
}

// options returns the options for reading the template.
func (s *Settings) options(account string) template.Options {
	parameters, _ := template.ParseParameters(s.TemplateParameter) // It was checked.
	return template.Options{Parameters: parameters, Region: cmp.Or(s.StackRegion, defaultRegion), Account: account, StackName: s.StackName, Folder: "."}
}
