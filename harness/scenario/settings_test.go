package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSettingsThatAreTheHarness: a recorder of capacity 5 would be judged by the datacenter's.
func TestSettingsThatAreTheHarness(t *testing.T) {
	for settings, want := range map[string]string{
		"{recorder: {capacity: 5}}":                  `x.yaml:5:21: "capacity" of a recorder is the harness' to set: write capacity beside it, of the system or of a datacenter`,
		"{recorder: {max-conns: 9, admin: ':1'}}":    `x.yaml:5:35: "admin" of a recorder is the harness' to set: leave it out`,
		"{recorder: {store_bucket: x}}":              `x.yaml:5:21: "store-bucket" of a recorder is the harness' to set: say where the store is, such as store: {in: us-east} of the system`,
		"{recorder: {mail: 'a:25'}}":                 `x.yaml:5:21: "mail" of a recorder is the harness' to set: say where the relay is`,
		"{balancer: {dns-ttl: 1m}}":                  `x.yaml:5:21: "dns-ttl" of a balancer is the harness' to set: write ttl of dns`,
		"{balancer: {redis: '1.2.3.4:6379'}}":        `x.yaml:5:21: "redis" of a balancer is the harness' to set: say where Redis is`,
		"{balancer: {listen: ':1'}, recorders: 2}":   `x.yaml:5:21: "listen" of a balancer is the harness' to set: leave it out`,
		"{balancer: {accounts-file: /tmp/accounts}}": `x.yaml:5:21: "accounts-file" of a balancer is the harness' to set`,
	} {
		_, err := Parse("x.yaml", []byte(minimal+"system: "+settings+"\n"))
		require.ErrorContains(t, err, want)
		_, err = Parse("x.yaml", []byte(minimal+"variants: {a: {verdict: pass, system: "+settings+"}}\n"))
		require.Error(t, err, "the same of a variant")
	}
	_, err := Parse("x.yaml", []byte(minimal+"system: {capacity: 5, recorder: {max-conns: 9, store-part: 1}, balancer: {max-per-account: 2}}\n"))
	require.NoError(t, err)
}
