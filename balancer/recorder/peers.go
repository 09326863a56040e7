package recorder

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"deadair/balancer/recorder/publish"
)

// Peer is another recorder.
type Peer struct {
	Name  string `yaml:"name"`
	Admin string `yaml:"admin"` // its "ip:port" for operators
}

// maxHoldings bounds what a peer's answer may be, in bytes.
const maxHoldings = 4 << 20

// peers asks the other recorders, over HTTP. It implements publish.Peers.
type peers struct {
	all   []Peer
	ask   time.Duration // deadline of a question
	fetch time.Duration // of a segment
	http  http.RoundTripper
}

func newPeers(c Config, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *peers {
	return &peers{
		all: c.Peers, ask: c.PeerDeadline, fetch: c.FetchDeadline,
		http: &http.Transport{DialContext: dial, DisableKeepAlives: true, DisableCompression: true},
	}
}

// Holdings implements publish.Peers.
func (p *peers) Holdings(ctx context.Context, session string) (all []publish.Holding, absent int) {
	ctx, stop := context.WithTimeout(ctx, p.ask)
	defer stop()
	answers := make([]*publish.Holding, len(p.all))
	var asking sync.WaitGroup
	for i, peer := range p.all {
		asking.Go(func() {
			var h publish.Holding
			body, err := p.get(ctx, peer, "/holdings", url.Values{"session": {session}})
			if err != nil {
				return
			}
			defer body.Close()
			if json.NewDecoder(io.LimitReader(body, maxHoldings)).Decode(&h) == nil {
				answers[i] = &h
			}
		})
	}
	asking.Wait()
	for _, h := range answers {
		switch {
		case h == nil:
			absent++
		case h.Session == session: // otherwise it has nothing of it
			all = append(all, *h)
		}
	}
	return all, absent
}

// Open implements publish.Peers.
func (p *peers) Open(ctx context.Context, recorder, session, file string) (io.ReadCloser, error) {
	i := slices.IndexFunc(p.all, func(o Peer) bool { return o.Name == recorder })
	if i < 0 {
		return nil, fmt.Errorf("no peer %s", recorder)
	}
	ctx, stop := context.WithTimeout(ctx, p.fetch)
	body, err := p.get(ctx, p.all[i], "/segment", url.Values{"session": {session}, "file": {file}})
	if err != nil {
		stop()
		return nil, err
	}
	return &limited{body, stop}, nil
}

// limited is a body whose deadline ends with it.
type limited struct {
	io.ReadCloser
	stop context.CancelFunc
}

func (l *limited) Close() error {
	l.stop()
	return l.ReadCloser.Close()
}

func (p *peers) get(ctx context.Context, peer Peer, path string, query url.Values) (io.ReadCloser, error) {
	u := url.URL{Scheme: "http", Host: peer.Admin, Path: path, RawQuery: query.Encode()}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", peer.Name, err)
	}
	answer, err := p.http.RoundTrip(q)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", peer.Name, err)
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("ask %s: it answered %s", peer.Name, answer.Status)
	}
	return answer.Body, nil
}

// adminHoldings tells a peer what is here of a session.
func (r *Recorder) adminHoldings(w http.ResponseWriter, q *http.Request) {
	state, ok, err := r.library.State(q.URL.Query().Get("session"))
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	if !ok {
		reply(w, http.StatusOK, publish.Holding{Recorder: r.cfg.Name, Over: true})
		return
	}
	h := publish.HoldingOf(r.cfg.Name, state)
	h.Able = r.press == nil || r.press.Able()
	reply(w, http.StatusOK, h)
}

// adminSegment gives a peer a segment.
func (r *Recorder) adminSegment(w http.ResponseWriter, q *http.Request) {
	f, err := r.library.Open(q.URL.Query().Get("session"), q.URL.Query().Get("file"))
	if err != nil {
		reply(w, http.StatusNotFound, map[string]string{"error": "there is no such segment here"})
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, f) // the peer may be gone
}
