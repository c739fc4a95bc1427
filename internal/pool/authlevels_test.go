package pool_test

import (
	"fmt"
	"strings"
	"testing"
)

const sameLevel = "InvalidParameterException: AcrValue must be unique across all levels in AcrConfiguration, with the default names of the levels that it leaves out."

// TestNamesOfLevels renames authentication levels. A pool always shows all four.
func TestNamesOfLevels(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, `"AcrConfiguration":{"Level2":{"AcrValue":"silver"}}`)
		for _, step := range []struct{ name, members, want string }{
			{"created", "", "urn:cognito:loa:1 silver urn:cognito:loa:3 urn:cognito:loa:4"},
			{"left out", `"PoolName":"other"`, "urn:cognito:loa:1 silver urn:cognito:loa:3 urn:cognito:loa:4"},
			{"replaced", `"AcrConfiguration":{"Level3":{"AcrValue":"gold"}}`, "urn:cognito:loa:1 urn:cognito:loa:2 gold urn:cognito:loa:4"},
			{"the names of two levels exchanged", `"AcrConfiguration":{"Level1":{"AcrValue":"urn:cognito:loa:2"},"Level2":{"AcrValue":"urn:cognito:loa:1"}}`,
				"urn:cognito:loa:2 urn:cognito:loa:1 urn:cognito:loa:3 urn:cognito:loa:4"},
			{"back to the defaults", `"AcrConfiguration":{"Level1":{"AcrValue":"urn:cognito:loa:1"}}`, "urn:cognito:loa:1 urn:cognito:loa:2 urn:cognito:loa:3 urn:cognito:loa:4"},
		} {
			if step.members != "" {
				n.do(t, "UpdateUserPool", object(`"UserPoolId":"`+id+`"`, step.members))
				n.clock.Pass(2e9)
			}
			shown := n.describe(t, id)
			sn, err := n.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for level := 1; level <= 4; level++ {
				name := sn.ACR(level)
				if got := at(shown, "AcrConfiguration", fmt.Sprint("Level", level), "AcrValue"); got != name || sn.LevelOf(name) != level {
					t.Errorf("%s: level %d is %s, shown as %v, found as %d", step.name, level, name, got, sn.LevelOf(name))
				}
				names = append(names, name)
			}
			if got := strings.Join(names, " "); got != step.want || sn.LevelOf("bronze") != 0 || sn.LevelOf("") != 0 || sn.ACR(0) != "" || sn.ACR(5) != "" {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
	})
}
