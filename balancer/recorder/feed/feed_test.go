package feed

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/audio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config() *Config {
	return &Config{Burst: 1600, Backlog: 64 << 10, Batch: 200 * time.Millisecond}
}

// unit is 100 bytes that tell where they belong.
func unit(n int) []byte {
	b := make([]byte, 100)
	binary.BigEndian.PutUint32(b, uint32(n))
	return b
}

// onAir is a feed whose source has published units 0 to n-1.
func onAir(cfg *Config, n int) *Feed {
	f := New(cfg)
	f.Source("audio/mpeg")
	f.Segment("s1/1-1.mp3", audio.MP3)
	publish(f, 0, n)
	return f
}

func publish(f *Feed, from, to int) {
	for n := from; n < to; n++ {
		f.Publish(unit(n))
	}
}

func join(t *testing.T, f *Feed) *Listener {
	t.Helper()
	l, ok := f.Join(100, true)
	require.True(t, ok)
	return l
}

// hear returns the units that a listener gets until nothing follows for a second.
func hear(t *testing.T, l *Listener) (heard []int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var all []byte
	for {
		turn, err := l.Next(ctx)
		if err != nil {
			require.Zero(t, len(all)%100)
			for len(all) > 0 {
				heard = append(heard, int(binary.BigEndian.Uint32(all)))
				all = all[100:]
			}
			if errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			return heard, err
		}
		all = append(all, bytes.Join(turn, nil)...)
	}
}

func counting(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func TestListenersHearWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 50)
		one := join(t, f)
		publish(f, 50, 60)
		two := join(t, f)
		publish(f, 60, 800) // more than a turn, over several blocks
		heard, err := hear(t, one)
		require.NoError(t, err)
		require.Equal(t, counting(50, 800), heard)
		heard, err = hear(t, two)
		require.NoError(t, err)
		require.Equal(t, counting(60, 800), heard)
		one.Leave()
		one.Leave()
		now, peak := f.Count()
		require.Equal(t, []int{1, 2}, []int{now, peak})
		two.Leave()
	})
}

// TestBatch: one wake-up for what comes within 200 ms, and at once for very much.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 0)
		l := join(t, f)
		defer l.Leave()
		var woken []time.Duration
		var sizes []int
		start := time.Now()
		go func() {
			for {
				turn, err := l.Next(t.Context())
				if err != nil {
					return
				}
				woken = append(woken, time.Since(start))
				sizes = append(sizes, len(bytes.Join(turn, nil)))
			}
		}()
		for n := range 10 {
			f.Publish(unit(n))
			time.Sleep(60 * time.Millisecond)
		}
		time.Sleep(time.Second)
		publish(f, 10, 10+eager/100+1)
		synctest.Wait()
		require.Equal(t, []time.Duration{200 * time.Millisecond, 440 * time.Millisecond, 680 * time.Millisecond}, woken[:3])
		require.Equal(t, []int{400, 400, 200}, sizes[:3])
		require.Equal(t, 1600*time.Millisecond, woken[len(woken)-1], "not a batch later")
	})
}

// TestSlowListenerIsLeftBehind: he costs a bounded amount, and others nothing.
func TestSlowListenerIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 0)
		slow, good := join(t, f), join(t, f)
		var heard int
		for n := range 5000 {
			f.Publish(unit(n))
			require.LessOrEqual(t, len(f.blocks)*blockSize, 64<<10+2*blockSize)
			if n%100 == 99 {
				units, err := hear(t, good)
				require.NoError(t, err)
				heard += len(units)
			}
		}
		require.Equal(t, 5000, heard)
		_, err := slow.Next(t.Context())
		require.ErrorIs(t, err, ErrSlow)
		slow.Leave()
		good.Leave()
	})
}

// TestMemory: what all have is let go, and without listeners nothing is kept.
func TestMemory(t *testing.T) {
	require.LessOrEqual(t, int(unsafe.Sizeof(Feed{})), 512, "each source has one")
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 1000)
		require.Empty(t, f.blocks)
		l := join(t, f)
		for n := range 5000 {
			f.Publish(unit(n))
			if n%10 == 9 {
				_, err := hear(t, l)
				require.NoError(t, err)
				require.LessOrEqual(t, len(f.blocks), 2)
			}
		}
		l.Leave()
		require.Empty(t, f.blocks)
		publish(f, 0, 1000)
		require.Empty(t, f.blocks)
		l = join(t, f)
		publish(f, 7, 9)
		heard, err := hear(t, l)
		require.NoError(t, err)
		require.Equal(t, []int{7, 8}, heard)
		l.Leave()
	})
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 5)
		over := join(t, f)
		f.Segment("s1/2-1.mp3", audio.MP3) // the source is back
		publish(f, 5, 7)
		f.Close()
		heard, err := hear(t, over)
		require.ErrorIs(t, err, ErrOver)
		require.Equal(t, []int{5, 6}, heard, "to the end")
		over.Leave()
		_, ok := f.Join(100, true)
		require.False(t, ok)

		f = onAir(config(), 5)
		changed := join(t, f)
		waiting := make(chan error)
		go func() {
			_, err := changed.Next(t.Context())
			waiting <- err
		}()
		synctest.Wait()
		f.Source("audio/aac")
		f.Segment("s1/3-1.aac", audio.ADTS)
		require.ErrorIs(t, <-waiting, ErrChanged)
		now, _ := f.Count()
		require.Zero(t, now)
		l := join(t, f)
		require.Equal(t, "audio/aac", l.Type())
		l.Leave()
	})
}

func TestLimit(t *testing.T) {
	f := onAir(config(), 5)
	one, ok := f.Join(1, true)
	require.True(t, ok)
	_, ok = f.Join(1, true)
	require.False(t, ok)
	one.Leave()
	one, ok = f.Join(1, true)
	require.True(t, ok)
	one.Leave()
}

// BenchmarkPublish is what a source pays for 100 ms of 128 kbit/s, with listeners who
// keep up. It is not what the listeners pay.
func BenchmarkPublish(b *testing.B) {
	for _, listeners := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("listeners=%d", listeners), func(b *testing.B) {
			f := onAir(&Config{Burst: 64 << 10, Backlog: 512 << 10, Batch: 200 * time.Millisecond}, 0)
			p := make([]byte, 1600)
			ctx, cancel := context.WithCancel(b.Context())
			left := make(chan struct{})
			for range listeners {
				l, _ := f.Join(listeners, true)
				go func() {
					for {
						_, err := l.Next(ctx)
						if err != nil && ctx.Err() != nil {
							break
						}
						if err != nil { // no source is as fast as this one
							l.Leave()
							l, _ = f.Join(listeners, true)
						}
					}
					l.Leave()
					left <- struct{}{}
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				f.Publish(p)
			}
			cancel()
			for range listeners {
				<-left
			}
		})
	}
}
