//go:build !linux

package realclient_test

import "testing"

func TestRealClients(t *testing.T) {
	t.Skip("missing: Linux, whose network namespaces keep clients apart")
}
