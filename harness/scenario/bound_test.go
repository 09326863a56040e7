package scenario

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAClientWithQuestionsIsGrantedTheirRoundTrips.
func TestAClientWithQuestionsIsGrantedTheirRoundTrips(t *testing.T) {
	p := &Plan{Timing: Timing{Trip: 100 * time.Millisecond, Slack: time.Second}}
	plain, asks := Broadcaster{}, Broadcaster{Retry: Retry{Questions: 3}}
	require.Equal(t, 1800*time.Millisecond, p.Admission(plain, false).Max)
	require.Equal(t, 5700*time.Millisecond, p.Admission(asks, false).Max, "nine trips more, and three times the lateness")
}

func TestAClientWaitsAtEachSilentAddressInTurn(t *testing.T) {
	p := &Plan{System: System{Datacenters: []Datacenter{{Name: "eu-west", Balancers: 2}, {Name: "us-east", Balancers: 3}}}}
	b := Broadcaster{Nearest: "eu-west", Retry: Retry{Connect: 130 * time.Second, Reply: 5 * time.Second}}
	first := p.Failover(b, true).Max()
	b.Retry.NextAddr = true
	require.Equal(t, 130*time.Second, p.Failover(b, true).Max()-first, "the other address costs as much again")
	require.Equal(t, p.Failover(b, false).Max(), p.Failover(Broadcaster{Nearest: "eu-west"}, false).Max(), "one that refuses costs nothing")
}
