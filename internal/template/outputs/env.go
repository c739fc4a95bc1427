package outputs

import (
	"regexp"
	"strings"
)

// A Value is an id or an output of a template.
type Value struct {
	// Name is the name of a variable: see Variable.
	Name, Value string
}

var (
	// lowerUpper and upperWord find where the words of a name in mixed case begin: userPoolId, APIKey, pool2Id.
	lowerUpper = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	upperWord  = regexp.MustCompile(`([A-Z])([A-Z][a-z])`)
	separators = regexp.MustCompile(`[^A-Za-z0-9]+`)
	// cdkSuffix is the hash that CDK appends to logical ids and outputs.
	cdkSuffix = regexp.MustCompile(`[0-9A-F]{8}$`)
)

// Variable returns the name of an environment variable for the path of a resource or the name of an output:
// Auth/UserPool6BA7E5F2 becomes AUTH_USER_POOL. The suffix, such as ID, may be empty.
func Variable(path, suffix string) string {
	var words []string
	for part := range strings.SplitSeq(path, "/") {
		if at := len(part) - 8; at > 0 && cdkSuffix.MatchString(part) && strings.ContainsAny(part[at:], "0123456789") {
			part = part[:at]
		}
		part = upperWord.ReplaceAllString(lowerUpper.ReplaceAllString(part, "${1}_$2"), "${1}_$2")
		words = append(words, separators.ReplaceAllString(part, "_"))
	}
	if suffix != "" {
		words = append(words, suffix)
	}
	name := strings.ToUpper(strings.Trim(strings.Join(words, "_"), "_"))
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}

// Env returns .env: the values, the Region, and the variables by which the AWS SDKs find the server. If two
// values have the same name, Env writes the first.
func (d *Deployment) Env() []byte {
	var out strings.Builder
	seen := map[string]bool{}
	set := func(name, value string) {
		if name != "" && !seen[name] {
			seen[name] = true
			out.WriteString(name + "=" + quoted(value) + "\n")
		}
	}
	set("COGNITO_ENDPOINT", d.Endpoint)
	set("AWS_REGION", d.Region)
	set("AWS_DEFAULT_REGION", d.Region) // SDK for Python, version 1 of the CLI
	// AWS_ENDPOINT_URL would also redirect other services of AWS.
	for _, service := range []string{"COGNITO_IDENTITY_PROVIDER", "COGNITO_IDENTITY"} {
		set("AWS_ENDPOINT_URL_"+service, d.Endpoint)
	}
	if d.UserPool != nil {
		set("COGNITO_USER_POOL_ID", d.UserPool.ID)
	}
	if d.Client != nil {
		set("COGNITO_CLIENT_ID", d.Client.ID)
	}
	if d.IdentityPool != nil {
		set("COGNITO_IDENTITY_POOL_ID", d.IdentityPool.ID)
	}
	for _, v := range d.Values {
		set(v.Name, v.Value)
	}
	return []byte(out.String())
}

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`)

// quoted returns a value in quotes that shells, Docker and dotenv libraries understand, if it needs quotes.
func quoted(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	if !strings.ContainsAny(value, "'\n\r") {
		return "'" + value + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "$", `\$`, "`", "\\`").Replace(value) + `"`
}
