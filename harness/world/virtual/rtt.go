package virtual

import (
	"time"

	"deadair/harness/scenario"
)

// RTT is the usual round trip between two places of package scenario. Between
// datacenters it is what is measured there, about; elsewhere what the distance makes of it.
func RTT(from, to string) time.Duration {
	if rtt, ok := measured(from, to); ok {
		return rtt
	}
	return scenario.RoundTrip(from, to)
}

// measured are round trips between the cloud's regions, by name. Cables do not
// follow the great circle, most of all from Ireland to Oregon.
func measured(from, to string) (time.Duration, bool) {
	if from > to {
		from, to = to, from
	}
	ms, ok := map[[2]string]time.Duration{
		{"Frankfurt", "Ireland"}:  20,
		{"Frankfurt", "Oregon"}:   159,
		{"Frankfurt", "Virginia"}: 89,
		{"Ireland", "Oregon"}:     137,
		{"Ireland", "Virginia"}:   80,
		{"Oregon", "Virginia"}:    87,
		{"Ireland", "Sao Paulo"}:  191,
		{"Oregon", "Sao Paulo"}:   183,
		{"Sao Paulo", "Virginia"}: 120,
		{"Ireland", "Tokyo"}:      212,
		{"Oregon", "Tokyo"}:       89,
		{"Tokyo", "Virginia"}:     145,
		{"Ireland", "Sydney"}:     310,
		{"Oregon", "Sydney"}:      162,
		{"Sydney", "Virginia"}:    230,
	}[[2]string{from, to}]
	return ms * time.Millisecond, ok
}
