package deploy_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"cognate/test/serving"
)

// TestSecretsAreSealed: neither the database nor the log has the secrets of a template's resources.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	const providerSecret = "correct-horse-battery-staple"
	c := serving.Dev(t)
	c.Template = wholeTemplate(t)
	text, err := os.ReadFile(c.Template)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.Template, string(bytes.Replace(text, []byte("client_secret: b\n"), []byte("client_secret: "+providerSecret+"\n"), 1)))
	r := serving.Start(t, c)
	machine := client(t, r.Dev(), wholePool, "whole-Machine-5V2VG4RXSWY2")
	if machine == nil || machine.ClientSecret == nil {
		t.Fatalf("the app client has no secret: %+v", machine)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(c.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		body, err := os.ReadFile(path)
		for _, secret := range []string{providerSecret, *machine.ClientSecret} {
			if bytes.Contains(body, []byte(secret)) {
				t.Errorf("%s has a secret", path)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
	for _, secret := range []string{providerSecret, *machine.ClientSecret} {
		if bytes.Contains([]byte(r.Log.String()), []byte(secret)) {
			t.Error("the log has a secret")
		}
	}
}
