package server

import (
	"net"
	"strings"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/server/development"
)

// DevelopmentSettings are settings that only cognate dev has.
type DevelopmentSettings struct {
	FixedCode string   `group:"Development" placeholder:"DIGITS" help:"Send this code instead of a random one in every mail and text message of dev: 6 or 8 digits. A code of 6 digits is repeated where Cognito's code has 8, and of 8 digits the first 6 are used where it has 6. Not for authenticator apps."`
	HostName  []string `group:"Development" placeholder:"NAME" help:"Further name by which clients reach dev, such as a name with dots in a network of containers. Names of this machine are known, and with --expose names without a dot. May be repeated."`
}

func (d *DevelopmentSettings) checkDevelopment(mode Mode, add addProblem) {
	if mode != Dev && d.FixedCode != "" {
		add("fixed-code", "is only for cognate dev: anybody who knows the code could take over every user")
	}
	if d.FixedCode != "" && (len(d.FixedCode) != 6 && len(d.FixedCode) != 8 || strings.Trim(d.FixedCode, "0123456789") != "") {
		add("fixed-code", "must be 6 or 8 digits")
	}
	if mode != Dev && len(d.HostName) > 0 {
		add("host-name", "is only for cognate dev; cognate serve answers to every name")
	}
	for _, name := range d.HostName {
		if !hostName.MatchString(name) || net.ParseIP(name) != nil {
			add("host-name", "%q is not a host name in lower case, without a port", name)
		}
	}
}

// newCode returns the function that draws codes for mail and text messages; nil stands for random
// codes.
func (d *DevelopmentSettings) newCode() func(digits int) string {
	if d.FixedCode == "" {
		return nil
	}
	return func(digits int) string { return strings.Repeat(d.FixedCode, 2)[:digits] }
}

// hints returns the function that says what to do about refusals; nil in serve.
func hints(c *Config) func(r *api.Request, f audit.Facts, in any) string {
	if c.Mode != Dev || c.url == "" {
		return nil
	}
	return development.Hints(c.url)
}
