package audience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/fakes/audience"
)

const onAir = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

// plays has a host send a sound each second to whoever asks, for a while on each
// connection; then it closes it or, if it is to freeze, says nothing more.
func (s *street) plays(t *testing.T, host string, length time.Duration, freeze bool) {
	l, err := s.net.Env(host, host, nil).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := c.Read(make([]byte, 1024)); err != nil {
					return
				}
				io.WriteString(c, onAir)
				for began := time.Now(); time.Since(began) < length; time.Sleep(time.Second) {
					if _, err := io.WriteString(c, "sound"); err != nil {
						return
					}
				}
				if freeze {
					io.Copy(io.Discard, c)
				}
			}()
		}
	}()
}

// tune has a listener listen for a minute, and returns what he told.
func tune(t *testing.T, change func(*audience.ListenerConfig), prepare func(*testing.T, *street)) (requests []audience.Request, heard []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &street{net: new(envtest.Net), hosts: []string{good}}
		prepare(t, s)
		cfg := audience.ListenerConfig{
			Ways: audience.Ways{Resolve: s.resolve, Dial: s.net.Env("listener", visitor, nil).DialContext},
			Ask:  audience.Ask{Site: "live.deadair.test", Port: 80, Path: "/live/rome"}, Duration: time.Minute,
			Patience: 5 * time.Second, Silence: 10 * time.Second, Retry: 3 * time.Second, Tell: 40 * time.Second, Observe: s.observe,
			Hear: func(h audience.Heard) {
				word := "silence"
				if h.Sound {
					word = "sound"
				}
				told := fmt.Sprintf("%v %s %s %v", h.Took, word, h.Class, h.Peer)
				if h.Ago > 0 {
					told += fmt.Sprintf(", %v ago", h.Ago)
				}
				heard = append(heard, told)
			},
		}
		if change != nil {
			change(&cfg)
		}
		l, err := audience.NewListener(cfg)
		require.NoError(t, err)
		l.Run(t.Context())
		requests = s.told
		time.Sleep(2 * time.Second) // servers notice
	})
	return requests, heard
}

func TestListenerKeepsItsConnection(t *testing.T) {
	requests, heard := tune(t, nil, func(t *testing.T, s *street) { s.plays(t, good, time.Hour, false) })
	require.Len(t, requests, 1)
	require.Equal(t, []audience.Class{audience.OK}, []audience.Class{requests[0].Class})
	require.Equal(t, []string{"40s sound ok 10.0.5.1", "20s sound ok 10.0.5.1"}, heard)
}

func TestWhatListenersHear(t *testing.T) {
	silent := func(*testing.T, *street) {}
	for name, c := range map[string]struct {
		prepare func(*testing.T, *street)
		change  func(*audience.ListenerConfig)
		asked   int
		heard   []string
	}{
		"a connection that falls silent is given up, and the name looked up again": {
			prepare: func(t *testing.T, s *street) {
				s.plays(t, good, 20*time.Second, true)
				s.plays(t, bad, time.Hour, false)
				time.AfterFunc(25*time.Second, func() { s.mu.Lock(); s.hosts = []string{bad}; s.mu.Unlock() })
			},
			asked: 2,
			heard: []string{"19s sound timeout 10.0.5.1, 10s ago", "13s silence timeout 10.0.5.1", "28s sound ok 10.0.5.2"},
		},
		"one that is closed costs a rest": {
			prepare: func(t *testing.T, s *street) { s.plays(t, good, 30*time.Second, false) },
			asked:   2,
			heard:   []string{"29s sound eof 10.0.5.1, 1s ago", "4s silence eof 10.0.5.1", "27s sound ok 10.0.5.1"},
		},
		"whoever leaves and comes again misses nothing": {
			prepare: func(t *testing.T, s *street) { s.plays(t, good, time.Hour, false) },
			change:  func(c *audience.ListenerConfig) { c.Stay = 25 * time.Second },
			asked:   3,
			heard:   []string{"25s sound ok 10.0.5.1", "25s sound ok 10.0.5.1", "10s sound ok 10.0.5.1"},
		},
		"a name that does not resolve": {
			prepare: silent,
			change: func(c *audience.ListenerConfig) {
				c.Duration = 10 * time.Second
				c.Resolve = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("servfail") }
			},
			asked: 4,
			heard: []string{"3s silence unresolved invalid IP", "3s silence unresolved invalid IP", "3s silence unresolved invalid IP", "1s silence unresolved invalid IP"},
		},
		"a server that takes connections and says nothing": {
			prepare: func(t *testing.T, s *street) { s.answers(t, good, "") },
			change:  func(c *audience.ListenerConfig) { c.Duration = 12 * time.Second },
			asked:   1,
			heard:   []string{"5s silence timeout 10.0.5.1", "7s silence timeout 10.0.5.1"},
		},
		"a server that begins and brings nothing": {
			prepare: func(t *testing.T, s *street) { s.plays(t, good, 0, true) },
			change:  func(c *audience.ListenerConfig) { c.Duration = 12 * time.Second },
			asked:   1,
			heard:   []string{"12s silence timeout 10.0.5.1"},
		},
		"nobody is on air": {
			prepare: func(t *testing.T, s *street) {
				s.answers(t, good, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			},
			change: func(c *audience.ListenerConfig) { c.Duration = 4 * time.Second },
			asked:  2,
			heard:  []string{"3s silence answered 10.0.5.1", "1s silence answered 10.0.5.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			requests, heard := tune(t, c.change, c.prepare)
			require.Equal(t, c.heard, heard)
			require.Len(t, requests, c.asked)
		})
	}
}

func TestListenerConfigIsChecked(t *testing.T) {
	right := func() audience.ListenerConfig {
		return audience.ListenerConfig{
			Ways:     audience.Ways{Resolve: new(street).resolve, Dial: (&net.Dialer{}).DialContext},
			Duration: 1, Patience: 1, Silence: 1, Retry: 1, Tell: 1,
		}
	}
	_, err := audience.NewListener(right())
	require.NoError(t, err)
	for want, change := range map[string]func(*audience.ListenerConfig){
		"Resolve and Dial":     func(c *audience.ListenerConfig) { c.Dial = nil },
		"in the clear":         func(c *audience.ListenerConfig) { c.Ask.How = "1.2" },
		"must be positive":     func(c *audience.ListenerConfig) { c.Silence = 0 },
		"must not be negative": func(c *audience.ListenerConfig) { c.Stay = -1 },
	} {
		cfg := right()
		change(&cfg)
		_, err := audience.NewListener(cfg)
		require.ErrorContains(t, err, want)
	}
}
