package geo

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // The databases name time zones, and an image may have no files for them.

	"github.com/oschwald/maxminddb-golang/v2"

	"cognate/internal/risk/datafile"
)

// Database is the two files. It is safe for concurrent use. A nil Database knows no address.
type Database struct {
	city, asn file
	zones     sync.Map // names of time zones to *time.Location; databases have some 500
}

// file is one database file.
type file struct {
	name, path string
	kinds      []string // words of which one is in the type of a suitable database

	mu     sync.RWMutex // held for reading while the reader is in use
	reader *maxminddb.Reader

	refresh sync.Mutex // one refresh at a time; guards what follows
	watch   datafile.Watch
}

// Open opens the files. An empty path means that there is no such file. A file may also be missing
// or broken: then its members of a [Location] are empty until [Database.Refresh] finds a good
// version.
func Open(cityPath, asnPath string) *Database {
	d := &Database{
		city: file{name: "city database", path: cityPath, kinds: []string{"City", "Country", "Enterprise", "Location"}},
		asn:  file{name: "ASN database", path: asnPath, kinds: []string{"ASN", "ISP", "Enterprise"}},
	}
	d.Refresh()
	return d
}

// Refresh opens files that changed since the last call. It reports whether the status of a file
// is different now.
func (d *Database) Refresh() bool {
	city, asn := d.city.update(), d.asn.update()
	return city || asn
}

// Status describes the files that are configured.
func (d *Database) Status() []datafile.Status {
	var all []datafile.Status
	for _, f := range []*file{&d.city, &d.asn} {
		if f.path != "" {
			all = append(all, f.status())
		}
	}
	return all
}

// Close closes the files. Lookups find nothing from then on.
func (d *Database) Close() {
	d.city.replace(nil)
	d.asn.replace(nil)
}

type cityRecord struct {
	Country  countryRecord `maxminddb:"country"`
	City     namedRecord   `maxminddb:"city"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		Radius    uint16   `maxminddb:"accuracy_radius"`
		TimeZone  string   `maxminddb:"time_zone"`
	} `maxminddb:"location"`
}

type countryRecord struct {
	ISOCode string `maxminddb:"iso_code"`
	Names   names  `maxminddb:"names"`
}

type namedRecord struct {
	Names names `maxminddb:"names"`
}

// names has the one language that the answers use.
type names struct {
	English string `maxminddb:"en"`
}

type asnRecord struct {
	Number       uint32 `maxminddb:"autonomous_system_number"`
	Organization string `maxminddb:"autonomous_system_organization"`
}

// Lookup returns what is known of an address.
func (d *Database) Lookup(a netip.Addr) Location {
	var l Location
	if d == nil || !a.IsValid() {
		return l
	}
	a = a.Unmap().WithZone("")
	var city cityRecord
	if d.city.lookup(a, &city) {
		l.Country, l.CountryName, l.City = city.Country.ISOCode, city.Country.Names.English, city.City.Names.English
		if p := city.Location; p.Latitude != nil && p.Longitude != nil && validPoint(*p.Latitude, *p.Longitude) {
			l.Latitude, l.Longitude, l.Radius, l.HasPoint = *p.Latitude, *p.Longitude, p.Radius, true
		}
		l.Zone = d.zone(city.Location.TimeZone)
	}
	var asn asnRecord
	if d.asn.lookup(a, &asn) {
		l.ASN, l.Organization = asn.Number, asn.Organization
	}
	return l
}

func validPoint(latitude, longitude float64) bool {
	return latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180
}

// zone returns a time zone, or nil.
func (d *Database) zone(name string) *time.Location {
	if name == "" {
		return nil
	}
	if zone, ok := d.zones.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = nil
	}
	d.zones.Store(name, zone)
	return zone
}

// lookup decodes the record of an address. It reports whether there is one.
func (f *file) lookup(a netip.Addr, record any) (found bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.reader == nil {
		return false
	}
	// A mapped file that becomes shorter faults when it is read. That must not end the server.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			found = false
		}
	}()
	result := f.reader.Lookup(a)
	return result.Found() && result.Decode(record) == nil
}

// replace puts another reader in place, and closes the old one after its last use.
func (f *file) replace(reader *maxminddb.Reader) {
	f.mu.Lock()
	old := f.reader
	f.reader = reader
	f.mu.Unlock()
	if old != nil {
		_ = old.Close() // it was only read
	}
}

// update opens the file if it changed.
func (f *file) update() bool {
	f.refresh.Lock()
	defer f.refresh.Unlock()
	return f.watch.Update(f.path, func() error {
		reader, err := f.open()
		if err == nil {
			f.replace(reader)
		}
		return err
	})
}

func (f *file) open() (reader *maxminddb.Reader, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: the file changed while it was opened: %v", f.path, p)
		}
	}()
	reader, err = maxminddb.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	for _, kind := range f.kinds {
		if strings.Contains(reader.Metadata.DatabaseType, kind) {
			return reader, nil
		}
	}
	kind := strings.Clone(reader.Metadata.DatabaseType)
	_ = reader.Close()
	return nil, fmt.Errorf("%s: the type of the database is %q, which is not suitable as %s", f.path, kind, f.name)
}

func (f *file) status() datafile.Status {
	f.refresh.Lock()
	defer f.refresh.Unlock()
	s := datafile.Status{Name: f.name, Path: f.path, Loaded: f.reader != nil, Err: f.watch.Err()}
	if f.reader != nil {
		s.Built = f.reader.Metadata.BuildTime()
	}
	return s
}
