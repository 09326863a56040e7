package legacy

import (
	"context"

	"deadair/balancer"
)

// alive is a health check that does not look: a process that answers is healthy.
type alive struct{}

// Check implements balancer.HealthCheck.
func (alive) Check(_ context.Context, p balancer.Probes) balancer.Report {
	return balancer.Report{Status: balancer.OK, CheckedAt: p.Wall()}
}
