package geo

import (
	"math"
	"time"
)

const (
	earthRadius = 6371.0 // km
	// unknownRadius is for databases that do not say how exact a place is.
	unknownRadius = 100
)

// Location is what the databases say about an address. Unknown members are empty.
type Location struct {
	// Country is the ISO code, CountryName and City are English names.
	Country, CountryName, City string
	// Latitude and Longitude are in degrees, and Radius is the accuracy in km; they count if
	// HasPoint.
	Latitude, Longitude float64
	Radius              uint16
	HasPoint            bool
	// Zone is the place's time zone; nil means that it is not known.
	Zone *time.Location
	// ASN is the number of the autonomous system, and Organization its owner.
	ASN          uint32
	Organization string
}

// RadiusKM returns the accuracy of the point, and a careful guess if the database has no value.
func (l *Location) RadiusKM() float64 {
	if l.Radius == 0 {
		return unknownRadius
	}
	return float64(l.Radius)
}

// Distance returns the kilometres between two points, along the surface of a sphere.
func Distance(a, b *Location) float64 {
	latA, latB := radians(a.Latitude), radians(b.Latitude)
	sinLat := math.Sin((latB - latA) / 2)
	sinLon := math.Sin(radians(b.Longitude-a.Longitude) / 2)
	h := sinLat*sinLat + math.Cos(latA)*math.Cos(latB)*sinLon*sinLon
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
