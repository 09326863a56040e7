package stack

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/recorder"
	"deadair/fakes/broadcaster"
	"deadair/fakes/redis"
	"deadair/fakes/sentinel"
)

// configurations are all types that scale is used on.
func configurations() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[balancer.Config](),
		reflect.TypeFor[recorder.Config](),
		reflect.TypeFor[redis.Config](),
		reflect.TypeFor[sentinel.Config](),
		reflect.TypeFor[broadcaster.Waits](),
	}
}

// durationsOf lists the names of all duration fields of a type and of what it holds.
func durationsOf(of reflect.Type) []string {
	switch of.Kind() {
	case reflect.Slice:
		return durationsOf(of.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	var names []string
	for i := range of.NumField() {
		f := of.Field(i)
		if isDuration(f.Type) {
			names = append(names, fieldName(of, f))
			continue
		}
		names = append(names, durationsOf(f.Type)...)
	}
	return names
}

func TestEveryDurationIsAWaitOrADeadline(t *testing.T) {
	var found []string
	for _, c := range configurations() {
		found = append(found, durationsOf(c)...)
	}
	require.NotEmpty(t, found)
	listed := append(slices.Collect(maps.Keys(waits())), slices.Collect(maps.Keys(deadlines()))...)
	for _, name := range found {
		require.Contains(t, listed, name, "list it in timetable.go: is it a wait of the incident or a deadline of the machine?")
		require.False(t, waits()[name] && deadlines()[name], "%s is listed twice", name)
	}
	for _, name := range listed {
		require.Contains(t, found, name, "timetable.go lists a field that does not exist")
	}
}

func TestScaleDividesWaitsAndLeavesDeadlines(t *testing.T) {
	cfg := balancer.Config{Window: 5 * time.Minute, ProbeInterval: 5 * time.Second, HoldPut: 3 * time.Second, ClaimDeadline: time.Second}
	require.NoError(t, scale(&cfg, 10))
	require.Equal(t, balancer.Config{Window: 30 * time.Second, ProbeInterval: 500 * time.Millisecond, HoldPut: 3 * time.Second, ClaimDeadline: time.Second}, cfg)
	silence := recorder.Config{IdleTimeout: 30 * time.Second, RequestIdle: 2 * time.Minute, HeadTimeout: 15 * time.Second}
	require.NoError(t, scale(&silence, 10))
	require.Equal(t, recorder.Config{IdleTimeout: 3 * time.Second, RequestIdle: 12 * time.Second, HeadTimeout: 15 * time.Second}, silence)
}

func TestScaleReachesNestedStructs(t *testing.T) {
	w := broadcaster.Waits{FirstRetry: broadcaster.Wait{For: time.Second, Tick: 2 * time.Second}, AfterReply: time.Minute}
	require.NoError(t, scale(&w, 4))
	require.Equal(t, broadcaster.Waits{FirstRetry: broadcaster.Wait{For: 250 * time.Millisecond, Tick: 500 * time.Millisecond}, AfterReply: 15 * time.Second}, w)
}

func TestScaleRefusesWhatIsNotListed(t *testing.T) {
	var cfg struct{ Nap time.Duration }
	require.ErrorContains(t, scale(&cfg, 2), "neither as a wait nor as a deadline")
}
