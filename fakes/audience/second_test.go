package audience_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/fakes/audience"
)

// TestSecondName is asked when the first one does not resolve, and only then.
func TestSecondName(t *testing.T) {
	for first, c := range map[string]struct {
		addrs []netip.Addr
		err   error
		asked int
	}{
		"resolves": {addrs: []netip.Addr{netip.MustParseAddr(good)}},
		"is empty": {asked: 12},
		"fails":    {err: errors.New("server failure"), asked: 12},
	} {
		t.Run(first, func(t *testing.T) {
			asked := 0
			told := visit(t, func(cfg *audience.VisitorConfig) {
				cfg.Asks[0].Second = "www2.deadair.test"
				cfg.Resolve = func(_ context.Context, name string) ([]netip.Addr, error) {
					if name == "www2.deadair.test" {
						asked++
						return []netip.Addr{netip.MustParseAddr(good)}, nil
					}
					return c.addrs, c.err
				}
			}, nothing)
			require.Equal(t, c.asked, asked)
			require.Len(t, told, 12)
			for _, r := range told {
				require.Equal(t, audience.OK, r.Class)
				require.Equal(t, "www.deadair.test", r.Site, "it is what was asked for")
			}
		})
	}
}
