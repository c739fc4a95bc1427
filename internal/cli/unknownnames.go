package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"cognate/internal/spelling"
)

// unknownVariables returns a message for each variable of the environment that looks like a
// setting, but is not one. Otherwise it would be ignored in silence.
func unknownVariables(environ []string, flags []*kong.Flag) []string {
	known := []string{envPrefix + "KEK"}
	for _, f := range flags {
		if f.Name != "help" {
			known = append(known, envName(f.Name))
		}
	}
	var messages []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) && !strings.HasPrefix(name, envPrefix+"TEST_") {
			messages = append(messages, fmt.Sprintf("%s is no setting%s", name, spelling.Meant(name, known)))
		}
	}
	slices.Sort(messages)
	return messages
}
