package scenarios_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// blankMails: for hours until 06:01 UTC mails were blank; then a fix was in production.
func blankMails(t *testing.T, r record) {
	mails := r.all(func(e history.Event) bool { return e.Kind == history.MailTaken })
	blank := slices.DeleteFunc(slices.Clone(mails), func(e history.Event) bool { return e.Class != "blank" })
	require.NotEmpty(t, blank)
	first, last := blank[0], blank[len(blank)-1]
	require.Greater(t, r.plan.Incident(last.At)-r.plan.Incident(first.At), 2*time.Hour, "in the last hours")
	r.until("06:01", last)
	r.at("06:01", r.all(func(e history.Event) bool { return e.Kind == history.FaultEnded })[0])
	said := 0
	for _, e := range mails {
		require.Equal(t, "mail", e.Node, "it is the mail that fails")
		if e.Class == "ok" {
			said++
			require.False(t, e.At > first.At && e.At < last.At, "all of them, meanwhile")
		}
	}
	require.Greater(t, said, 2, "before and after they say something")
	require.Empty(t, r.all(func(e history.Event) bool { return e.Kind == history.Lost }), "no show is concerned")
	r.once(mails)
}

// blankMailsHeldBack: what would have been blank is sent once there is something to read.
func blankMailsHeldBack(t *testing.T, r record) {
	broken := r.all(func(e history.Event) bool { return e.Kind == history.FaultBegan })
	mended := r.all(func(e history.Event) bool { return e.Kind == history.FaultEnded })
	r.at("06:01", mended[0])
	mails := r.all(func(e history.Event) bool { return e.Kind == history.MailTaken })
	back := 0
	for _, e := range mails {
		require.Equal(t, "ok", e.Class)
		require.False(t, e.At > broken[0].At && e.At < mended[0].At-time.Second, "nothing goes out meanwhile")
		if e.At > broken[0].At && e.At < mended[0].At+30*time.Second {
			back++
		}
	}
	require.Greater(t, back, 5, "those that were held back")
	r.once(mails)
}

// once requires that every broadcaster got one mail.
func (r record) once(mails []history.Event) {
	r.Helper()
	got := map[string]int{}
	for _, e := range mails {
		got[e.Subject]++
	}
	require.Len(r, got, len(r.plan.Broadcasters))
	require.Len(r, mails, len(got))
}
