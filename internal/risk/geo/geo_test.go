package geo

import (
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

type record struct {
	network string
	data    mmdbtype.DataType
}

func place(country, name, city string, latitude, longitude float64, radius uint16, zone string) mmdbtype.Map {
	location := mmdbtype.Map{"latitude": mmdbtype.Float64(latitude), "longitude": mmdbtype.Float64(longitude)}
	if radius > 0 {
		location["accuracy_radius"] = mmdbtype.Uint16(radius)
	}
	if zone != "" {
		location["time_zone"] = mmdbtype.String(zone)
	}
	return mmdbtype.Map{
		"country":  mmdbtype.Map{"iso_code": mmdbtype.String(country), "names": mmdbtype.Map{"en": mmdbtype.String(name), "de": mmdbtype.String("anders")}},
		"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(city)}},
		"location": location,
	}
}

// write replaces a database file by a rename.
func write(t testing.TB, path, kind string, built time.Time, records ...record) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, BuildEpoch: built.Unix(), IncludeReservedNetworks: true, RecordSize: 24})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		_, network, err := net.ParseCIDR(r.network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, r.data); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(path + ".new")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

var (
	built    = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	seattle  = place("US", "United States", "Seattle", 47.61, -122.33, 20, "America/Los_Angeles")
	auckland = place("NZ", "New Zealand", "Auckland", -36.85, 174.76, 0, "")
)

func files(t testing.TB) (city, asn string) {
	dir := t.TempDir()
	city, asn = filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "asn.mmdb")
	write(t, city, "GeoLite2-City", built, record{"192.0.2.0/24", seattle}, record{"2001:db8::/32", auckland})
	write(t, asn, "GeoLite2-ASN", built, record{"192.0.2.0/24", mmdbtype.Map{
		"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example Net"),
	}})
	return city, asn
}

func TestLookup(t *testing.T) {
	t.Parallel()
	d := Open(files(t))
	defer d.Close()
	l := d.Lookup(netip.MustParseAddr("192.0.2.7"))
	if l.Zone == nil || l.Zone.String() != "America/Los_Angeles" {
		t.Errorf("zone %v", l.Zone)
	}
	l.Zone = nil
	want := Location{
		Country: "US", CountryName: "United States", City: "Seattle", Latitude: 47.61, Longitude: -122.33, Radius: 20, HasPoint: true,
		ASN: 64500, Organization: "Example Net",
	}
	if l != want {
		t.Errorf("%+v", l)
	}
	if mapped := d.Lookup(netip.MustParseAddr("::ffff:192.0.2.7")); mapped.City != "Seattle" {
		t.Errorf("a mapped address: %+v", mapped)
	}
	l = d.Lookup(netip.MustParseAddr("2001:db8::1"))
	if l.City != "Auckland" || l.Zone != nil || l.ASN != 0 || l.RadiusKM() != unknownRadius {
		t.Errorf("%+v", l)
	}
	for _, unknown := range []netip.Addr{{}, netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("fe80::1%eth0")} {
		if l := d.Lookup(unknown); l != (Location{}) {
			t.Errorf("%v: %+v", unknown, l)
		}
	}
	for _, s := range d.Status() {
		if !s.Loaded || s.Err != nil || !s.Built.Equal(built) {
			t.Errorf("%+v", s)
		}
	}
	var none *Database
	if none.Lookup(netip.MustParseAddr("192.0.2.7")) != (Location{}) {
		t.Error("no database knows an address")
	}
}

func TestMissingAndBrokenFiles(t *testing.T) {
	t.Parallel()
	city, asn := files(t)
	a := netip.MustParseAddr("192.0.2.7")
	good, err := os.ReadFile(city)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.mmdb")
	for name, content := range map[string][]byte{"empty": {}, "text": []byte("hello"), "cut": good[:len(good)-60], "no tree": good[len(good)/2:]} {
		if err := os.WriteFile(broken, content, 0o600); err != nil {
			t.Fatal(err)
		}
		d := Open(broken, asn)
		if s := d.Status(); s[0].Loaded && s[0].Err == nil && d.Lookup(a).City == "Seattle" || s[1].Err != nil {
			t.Errorf("%s: %+v", name, s)
		}
		if l := d.Lookup(a); l.ASN != 64500 {
			t.Errorf("%s: the other file is not used: %+v", name, l)
		}
		d.Close()
	}
	d := Open(filepath.Join(t.TempDir(), "missing"), "")
	if s := d.Status(); len(s) != 1 || s[0].Loaded || s[0].Err == nil {
		t.Errorf("missing: %+v", s)
	}
	if d.Refresh() {
		t.Error("the file is still missing, and that is news")
	}
	swapped := Open(asn, city)
	for _, s := range swapped.Status() {
		if s.Loaded || s.Err == nil || !strings.Contains(s.Err.Error(), "not suitable as "+s.Name) {
			t.Errorf("swapped files: %+v", s)
		}
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	city, asn := files(t)
	d := Open(city, asn)
	defer d.Close()
	a := netip.MustParseAddr("192.0.2.7")
	if d.Refresh() {
		t.Error("old files are opened again")
	}
	write(t, city, "DBIP-City-Lite", built.AddDate(0, 1, 0), record{"192.0.2.0/24", auckland})
	if !d.Refresh() || d.Lookup(a).City != "Auckland" || !d.Status()[0].Built.Equal(built.AddDate(0, 1, 0)) {
		t.Errorf("a new file: %+v", d.Lookup(a))
	}
	if err := os.WriteFile(city+".new", []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(city+".new", city); err != nil {
		t.Fatal(err)
	}
	if s := d.Status; !d.Refresh() || s()[0].Err == nil || !s()[0].Loaded || d.Lookup(a).City != "Auckland" {
		t.Errorf("a broken file replaces a good one: %+v", s())
	}
}

// TestRefreshWhileInUse: a reader is closed only after its last use.
func TestRefreshWhileInUse(t *testing.T) {
	t.Parallel()
	city, asn := files(t)
	d := Open(city, asn)
	defer d.Close()
	a := netip.MustParseAddr("192.0.2.7")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if l := d.Lookup(a); l.City != "Seattle" && l.City != "Auckland" {
					t.Errorf("%+v", l)
					return
				}
			}
		})
	}
	for i := range 20 {
		write(t, city, "GeoLite2-City", built.AddDate(0, 0, i), record{"192.0.2.0/24", []mmdbtype.Map{seattle, auckland}[i%2]})
		if !d.Refresh() {
			t.Error("a new file is not opened")
		}
	}
	close(stop)
	readers.Wait()
}

// TestFileCutInPlace: a file that another program cuts while it is mapped must not end the process.
func TestFileCutInPlace(t *testing.T) {
	t.Parallel()
	city, asn := files(t)
	var many []record
	for i := range 250 {
		many = append(many, record{netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i), 0, 0}), 16).String(), place("US", "United States", strings.Repeat("x", i+1), 1, 1, 1, "")})
	}
	write(t, city, "GeoLite2-City", built, many...)
	d := Open(city, asn)
	defer d.Close()
	if err := os.Truncate(city, 0); err != nil {
		t.Fatal(err)
	}
	if l := d.Lookup(netip.MustParseAddr("20.200.0.1")); l.City != "" {
		t.Errorf("%+v", l)
	}
	d.Refresh()
	if s := d.Status(); s[0].Err == nil {
		t.Errorf("%+v", s)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	point := func(latitude, longitude float64) *Location {
		return &Location{Latitude: latitude, Longitude: longitude}
	}
	for _, test := range []struct {
		a, b *Location
		want float64
	}{
		{point(0, 0), point(0, 0), 0},
		{point(0, 0), point(0, 180), math.Pi * earthRadius},
		{point(90, 0), point(-90, 77), math.Pi * earthRadius},
		{point(0, 179), point(0, -179), earthRadius * math.Pi / 90},
		{point(52.52, 13.405), point(48.8566, 2.3522), 877},
	} {
		if got := Distance(test.a, test.b); math.Abs(got-test.want) > 1 {
			t.Errorf("%v to %v: %f, want %f", test.a, test.b, got, test.want)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	d := Open(files(b))
	defer d.Close()
	a := netip.MustParseAddr("192.0.2.7")
	b.ReportAllocs()
	for b.Loop() {
		d.Lookup(a)
	}
}
