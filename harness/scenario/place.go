package scenario

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Place is a point on the map: a datacenter's or a broadcaster's.
type Place struct {
	Name     string
	Lat, Lon float64 // degrees, north and east
}

// Places is every place that a file can name.
func Places() []Place {
	return []Place{
		{"Ireland", 53.35, -6.26}, {"Virginia", 39.04, -77.49}, {"Oregon", 45.84, -119.70}, {"Italy", 45.07, 7.69}, {"Frankfurt", 50.11, 8.68},
		{"Rome", 41.90, 12.50}, {"Milan", 45.46, 9.19}, {"Turin", 45.07, 7.68}, {"Naples", 40.85, 14.27}, {"Bologna", 44.49, 11.34},
		{"London", 51.51, -0.13}, {"Dublin", 53.35, -6.26}, {"Paris", 48.86, 2.35}, {"Berlin", 52.52, 13.40}, {"Madrid", 40.42, -3.70},
		{"Lisbon", 38.72, -9.14}, {"Amsterdam", 52.37, 4.90}, {"Stockholm", 59.33, 18.07}, {"Warsaw", 52.23, 21.01}, {"Athens", 37.98, 23.73},
		{"Vienna", 48.21, 16.37}, {"Munich", 48.14, 11.58}, {"Zurich", 47.37, 8.54}, {"Prague", 50.08, 14.44}, {"Brussels", 50.85, 4.35},
		{"New York", 40.71, -74.01}, {"Boston", 42.36, -71.06}, {"Washington", 38.91, -77.04}, {"Atlanta", 33.75, -84.39}, {"Miami", 25.76, -80.19},
		{"Chicago", 41.88, -87.63}, {"Toronto", 43.65, -79.38}, {"Dallas", 32.78, -96.80}, {"Denver", 39.74, -104.99}, {"Mexico City", 19.43, -99.13},
		{"Los Angeles", 34.05, -118.24}, {"San Francisco", 37.77, -122.42}, {"Seattle", 47.61, -122.33}, {"Portland", 45.52, -122.68}, {"Vancouver", 49.28, -123.12},
		{"Sao Paulo", -23.55, -46.63}, {"Buenos Aires", -34.60, -58.38}, {"Tokyo", 35.68, 139.69}, {"Sydney", -33.87, 151.21}, {"Mumbai", 19.08, 72.88},
	}
}

func placeNamed(name string) (Place, bool) {
	for _, p := range Places() {
		if p.Name == name {
			return p, true
		}
	}
	return Place{}, false
}

func placeNames() []string {
	var names []string
	for _, p := range Places() {
		names = append(names, p.Name)
	}
	return names
}

// distanceKm is the great circle between two places.
func distanceKm(a, b Place) float64 {
	rad := math.Pi / 180
	lat, lon := (b.Lat-a.Lat)*rad/2, (b.Lon-a.Lon)*rad/2
	h := math.Sin(lat)*math.Sin(lat) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Sin(lon)*math.Sin(lon)
	return 2 * 6371 * math.Asin(math.Min(1, math.Sqrt(h)))
}

// RoundTrip is the usual time there and back between two named places, from the
// length of the way: light in fibre, a detour of two fifths, 2 ms at the ends.
// Ireland to Virginia is about 78 ms, to Oregon about 106 ms. An unknown place is next door.
func RoundTrip(from, to string) time.Duration {
	a, ok := placeNamed(from)
	b, ok2 := placeNamed(to)
	if !ok || !ok2 {
		return time.Millisecond
	}
	if from == to {
		return time.Millisecond
	}
	const kmPerMs = 200 // light in fibre
	ms := 2*distanceKm(a, b)*1.4/kmPerMs + 2
	return time.Duration(ms * float64(time.Millisecond)).Round(100 * time.Microsecond)
}

// Nearness lists the datacenters by their distance from a place, nearest first;
// of two at the same distance the first in the alphabet.
func Nearness(place string, dcs []Datacenter) []string {
	from, _ := placeNamed(place)
	far := func(dc Datacenter) float64 {
		to, _ := placeNamed(dc.Place)
		return distanceKm(from, to)
	}
	sorted := slices.SortedStableFunc(slices.Values(dcs), func(a, b Datacenter) int {
		return cmp.Or(cmp.Compare(far(a), far(b)), cmp.Compare(a.Name, b.Name))
	})
	var names []string
	for _, dc := range sorted {
		names = append(names, dc.Name)
	}
	return names
}
