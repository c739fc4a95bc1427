package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pluginsVariable names the folder with Terraform's AWS provider: a mirror, as `terraform providers
// mirror` makes it.
const pluginsVariable = "COGNATE_TEST_TERRAFORM_PLUGINS"

// TestTerraform applies examples/terraform: no drift afterwards, a change, no drift again, and its
// removal. It needs Terraform and its AWS provider, which are no part of Debian. Without them the calls
// that Terraform makes are tested in test/ops alone.
func TestTerraform(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	plugins := os.Getenv(pluginsVariable)
	if err != nil || plugins == "" {
		t.Logf("not run: terraform must be on the PATH, and %s name the folder of its provider", pluginsVariable)
		return
	}
	eachEngine(t, func(t *testing.T, endpoint string) {
		dir := t.TempDir()
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "terraform", "main.tf"))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "main.tf"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		env := []string{"CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=/dev/null", "TF_VAR_endpoint=" + endpoint}
		do := func(args ...string) {
			t.Helper()
			run(t, dir, env, terraform, append(args, "-no-color")...)
		}
		do("init", "-plugin-dir="+plugins)
		for _, strict := range []string{"-var=strict=false", "-var=strict=true"} {
			do("apply", "-auto-approve", strict)
			do("plan", "-detailed-exitcode", strict) // Its exit code is 2 where something differs.
		}
		do("destroy", "-auto-approve")
	})
}
