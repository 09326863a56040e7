package broadcaster

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scriptedAPI tells where to broadcast after a while, and remembers what it was asked.
type scriptedAPI struct {
	after  time.Duration
	ingest string
	class  Class
	status int

	begun, ran, ended time.Time
	alone             bool // Run was over when End came
}

func (a *scriptedAPI) Begin(ctx context.Context) (string, Class, int) {
	a.begun = time.Now()
	select {
	case <-time.After(a.after):
	case <-ctx.Done():
	}
	return a.ingest, a.class, a.status
}

func (a *scriptedAPI) Run(ctx context.Context) {
	<-ctx.Done()
	time.Sleep(100 * time.Millisecond)
	a.ran = time.Now()
}

func (a *scriptedAPI) End(context.Context) { a.ended, a.alone = time.Now(), !a.ran.IsZero() }

// TestAppAsksWhereToBroadcast: its show begins before, and what it produces until then is lost.
func TestAppAsksWhereToBroadcast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		var names []string
		api := &scriptedAPI{after: 3 * time.Second, ingest: "ingest.elsewhere.test:8100", class: "ok"}
		cfg := s.config(named(t, "app"))
		cfg.Duration, cfg.API = 10*time.Second, api
		resolve := cfg.Resolve
		cfg.Resolve = func(ctx context.Context, name string) ([]netip.Addr, error) {
			names = append(names, name)
			return resolve(ctx, name)
		}
		events := s.play(cfg)
		require.Equal(t, []string{"ingest.elsewhere.test"}, names)
		require.Equal(t, 8100, s.visits[0].port)
		require.Contains(t, string(s.visits[0].Head), "Host: ingest.elsewhere.test:8100\r\n")
		accepted := of(events, Attempt)[0]
		require.Equal(t, 3*time.Second, accepted.At)
		require.EqualValues(t, 42, accepted.Frame, "three seconds of 72 ms")
		require.True(t, api.alone, "what went on beside the stream is over")
		require.GreaterOrEqual(t, api.ended.Sub(api.begun), 10*time.Second)
	})
}

// TestAppThatIsNotTold leaves the show to its user, and tells the API nevertheless that it is over.
func TestAppThatIsNotTold(t *testing.T) {
	for name, ingest := range map[string]string{"nothing": "", "nonsense": "somewhere"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, welcome)
				api := &scriptedAPI{after: time.Second, ingest: ingest, class: Answered, status: 503}
				cfg := s.config(named(t, "app"))
				cfg.Duration, cfg.API = 10*time.Second, api
				gone := of(s.play(cfg), GaveUp)[0]
				require.Equal(t, time.Second, gone.At)
				require.Equal(t, []any{Answered, 503}, []any{gone.Class, gone.Status})
				require.Empty(t, s.visits)
				require.True(t, api.ran.IsZero())
				require.False(t, api.ended.IsZero())
			})
		})
	}
}

// TestShowEndsWhileItsAppAsks: that is nobody's failure.
func TestShowEndsWhileItsAppAsks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "app"))
		cfg.Duration, cfg.API = 10*time.Second, &scriptedAPI{after: time.Hour}
		events := s.play(cfg)
		require.Empty(t, of(events, GaveUp))
		require.Len(t, of(events, OffAir), 1)
	})
}
