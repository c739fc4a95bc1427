package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cognate/test/serving"
)

// TestRiskFiles: the server starts without the files of threat protection, says so, and shows it in
// the metrics.
func TestRiskFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := serving.Dev(t)
	c.HostingList, c.TorList = filepath.Join(dir, "hosting"), filepath.Join(dir, "tor")
	c.PasswordFilter, c.GeoASN = filepath.Join(dir, "filter"), filepath.Join(dir, "asn.mmdb")
	for name, text := range map[string]string{c.HostingList: "AS64500\n192.0.2.0/24\n", c.TorList: "192.0.2.1\noops\n", c.PasswordFilter: "oops"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := serving.Start(t, c)
	serving.NewPool(t, r)
	res, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	for _, want := range []string{
		`cognate_risk_file_ok{file="hosting list"} 1`, `cognate_risk_file_ok{file="Tor list"} 0`,
		`cognate_risk_file_ok{file="filter of compromised passwords"} 0`, `cognate_risk_file_ok{file="ASN database"} 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	log := r.Log.String()
	for _, want := range []string{"tor: line 2: ", "not a filter that cognate passwords build has made", "asn.mmdb: no such file"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the log", want)
		}
	}
}
