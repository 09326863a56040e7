package fleet

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// PeerHealth is what another balancer says of itself.
type PeerHealth struct {
	Peer      Peer
	Redis     string // "ok", or what is wrong
	Recorders string // "ok", "full", or what is wrong
	Accounts  string // "ok", or what is wrong
	Age       time.Duration
}

// AskPeers asks the peers for their health, all at once, until ctx is done. Those
// that do not answer, or not as balancers do, are left out; the rest keep their order.
func AskPeers(ctx context.Context, dial Dial, peers []Peer) []PeerHealth {
	answers := make([]*PeerHealth, len(peers))
	var asking sync.WaitGroup
	for i, p := range peers {
		asking.Go(func() { answers[i] = askPeer(ctx, dial, p) })
	}
	asking.Wait()
	var healths []PeerHealth
	for _, h := range answers {
		if h != nil {
			healths = append(healths, *h)
		}
	}
	return healths
}

func askPeer(ctx context.Context, dial Dial, p Peer) *PeerHealth {
	_, body, err := get(ctx, dial, p.Addr, "/health")
	if err != nil {
		return nil
	}
	var h struct {
		Redis     string `json:"redis"`
		Recorders string `json:"recorders"`
		Accounts  string `json:"accounts"`
		AgeMS     int64  `json:"age_ms"`
	}
	if json.Unmarshal(body, &h) != nil || h.Redis == "" {
		return nil
	}
	return &PeerHealth{Peer: p, Redis: h.Redis, Recorders: h.Recorders, Accounts: h.Accounts, Age: time.Duration(h.AgeMS) * time.Millisecond}
}
