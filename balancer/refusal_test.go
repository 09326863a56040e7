package balancer

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
)

// Operators tell refusals apart by their reasons, people by their texts, and encoders
// by the few words that some of them look for.
func TestEveryRefusalIsItsOwn(t *testing.T) {
	all := []icecast.Refusal{
		icecast.Unauthorized(), icecast.MountInUse(), icecast.TooManySources(), icecast.UnknownRequest(),
		refuseMount(icecast.ErrMountInvalid), refuseUnavailable(), refuseDraining(), refuseCrowded(), refuseBusy(), refuseAccountFull(),
		refuseCredentials(), refuseNotAllowed(), refuseAccounts(), refuseSuperseded(), refuseNotYours(), refuseHeadTooLarge(),
		refuseHeadMalformed(), refuseNotFound(), refuseNoSource(), refuseRecorder(), refuseByRecorder(), refuseForm(), refuseTooManyRequests(),
	}
	reasons, texts := make(map[string]bool), make(map[string]bool)
	for _, r := range all {
		require.NotEmpty(t, r.Reason)
		require.False(t, reasons[r.Reason], "%s stands for two things", r.Reason)
		reasons[r.Reason] = true
		wrong := r.Reason == "unauthorized" || r.Reason == "wrong-credentials"
		require.Equal(t, wrong, r.Status == http.StatusUnauthorized, "%s: 401 ends shows for good", r.Reason)
		require.False(t, texts[r.Body] && !wrong, "%s says what another says", r.Reason)
		texts[r.Body] = true
		require.NotContains(t, r.Body, "OK", "libshout looks for it")
		require.NotContains(t, strings.ToLower(r.Body), "invalid password", "BUTT gives up")
	}
}
