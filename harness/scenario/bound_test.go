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
