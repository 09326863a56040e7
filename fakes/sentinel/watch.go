package sentinel

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/proto"
)

// watch looks at servers and peers, at its own phase, until ctx is done.
func (s *Sentinel) watch(ctx context.Context) {
	s.mu.Lock()
	for _, at := range s.cfg.Servers {
		s.seen[at] = time.Now() // nobody is down before it had its time to answer
	}
	s.mu.Unlock()
	turn := time.NewTimer(s.env.Phase("sentinel", s.cfg.Every))
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		s.look(ctx)
		turn.Reset(s.cfg.Every)
	}
}

// look asks all servers and peers once, and does what follows from it.
func (s *Sentinel) look(ctx context.Context) {
	roles := make([]string, len(s.cfg.Servers)) // whom each follows; "master", or "" for no answer
	var asked sync.WaitGroup
	for i, at := range s.cfg.Servers {
		asked.Go(func() { roles[i] = s.role(ctx, at) })
	}
	agree := s.greet(ctx)
	asked.Wait()
	s.mu.Lock()
	for i, at := range s.cfg.Servers {
		if roles[i] != "" {
			s.seen[at] = time.Now()
		}
	}
	now, down := s.now, s.down(s.now.master)
	s.mu.Unlock()
	switch {
	case down:
		s.elect(ctx, roles)
	case s.majority(agree):
		s.straighten(ctx, now, roles)
	}
}

// majority tells whether a number of sentinels, this one counted in, is more than half.
func (s *Sentinel) majority(n int) bool { return 2*n > len(s.cfg.Peers)+1 }

// greet exchanges decisions with the peers, and counts who has the same as this one then,
// itself included.
func (s *Sentinel) greet(ctx context.Context) (agree int) {
	s.mu.Lock()
	mine := s.now
	s.mu.Unlock()
	theirs := make([]decision, len(s.cfg.Peers))
	var asked sync.WaitGroup
	for i, at := range s.cfg.Peers {
		asked.Go(func() {
			got, err := s.ask(ctx, at, "SENTINEL", hello, strconv.Itoa(mine.epoch), mine.master)
			if words, ok := got.([]any); err == nil && ok && len(words) == 2 {
				theirs[i].epoch, _ = strconv.Atoi(fmt.Sprint(words[0]))
				theirs[i].master = fmt.Sprint(words[1])
			}
		})
	}
	asked.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	agree = 1
	for _, d := range theirs {
		s.learn(d)
	}
	for _, d := range theirs {
		if d == s.now {
			agree++
		}
	}
	return agree
}

// role asks a server whom it follows: "master" is nobody.
func (s *Sentinel) role(ctx context.Context, at string) string {
	got, err := s.ask(ctx, at, "ROLE")
	words, ok := got.([]any)
	switch {
	case err != nil || !ok || len(words) == 0:
		return ""
	case len(words) >= 3:
		return net.JoinHostPort(fmt.Sprint(words[1]), fmt.Sprint(words[2]))
	}
	return "master"
}

// elect asks the peers for their votes, and with most of them makes another master.
func (s *Sentinel) elect(ctx context.Context, roles []string) {
	s.mu.Lock()
	s.voted++
	epoch, old := s.voted, s.now.master
	s.mu.Unlock()
	if !s.majority(1 + s.votes(ctx, epoch)) {
		return
	}
	for i, at := range s.cfg.Servers {
		if at == old || roles[i] == "" {
			continue
		}
		if _, err := s.ask(ctx, at, "REPLICAOF", "NO", "ONE"); err != nil {
			continue
		}
		s.mu.Lock()
		s.learn(decision{epoch, at})
		s.mu.Unlock()
		s.greet(ctx)
		return
	}
}

// votes counts the peers that give theirs.
func (s *Sentinel) votes(ctx context.Context, epoch int) (given int) {
	said := make([][]any, len(s.cfg.Peers))
	var asked sync.WaitGroup
	for i, at := range s.cfg.Peers {
		asked.Go(func() {
			if got, err := s.ask(ctx, at, "SENTINEL", vote, strconv.Itoa(epoch)); err == nil {
				said[i], _ = got.([]any)
			}
		})
	}
	asked.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, words := range said {
		if len(words) != 2 {
			continue
		}
		if words[0] == "yes" {
			given++
		}
		highest, _ := strconv.Atoi(fmt.Sprint(words[1]))
		s.voted = max(s.voted, highest)
	}
	return given
}

// straighten has the master be one, and all other servers follow it. That is done by who
// agrees with most sentinels: one that was cut off knows a master of the past.
func (s *Sentinel) straighten(ctx context.Context, now decision, roles []string) {
	host, port, err := net.SplitHostPort(now.master)
	if err != nil {
		return
	}
	for i, at := range s.cfg.Servers {
		want, words := now.master, []string{"REPLICAOF", host, port}
		if at == now.master {
			want, words = "master", []string{"REPLICAOF", "NO", "ONE"}
		}
		if roles[i] != "" && roles[i] != want {
			s.ask(ctx, at, words...) //nolint:errcheck // it is told again at the next look
		}
	}
}

// ask asks a server or a peer, on a connection of its own.
func (s *Sentinel) ask(ctx context.Context, at string, words ...string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
	defer cancel()
	conn, err := s.env.DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := proto.Write(conn, words); err != nil {
		return nil, err
	}
	raw, err := proto.Read(bufio.NewReader(conn))
	if err != nil {
		return nil, err
	}
	if text, err := proto.ReadError(raw); err == nil {
		return nil, fmt.Errorf("%s answered: %s", at, text)
	}
	return proto.Parse(raw)
}
