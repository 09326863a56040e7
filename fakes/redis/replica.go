package redis

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/proto"
	"github.com/alicebob/miniredis/v2/server"
)

// copyLimit is how long a master may take to give a copy.
const copyLimit = time.Second

// luaCopy gives all hashes with their remaining time in ms, at one instant.
const luaCopy = `
local all = {}
local keys = redis.call('KEYS', '*')
table.sort(keys)
for _, key in ipairs(keys) do
  if redis.call('TYPE', key).ok == 'hash' then
    all[#all + 1] = {key, redis.call('PTTL', key), redis.call('HGETALL', key)}
  end
end
return all`

// Master is whom this server follows, "ip:port"; "" if it is a master itself.
func (r *Redis) Master() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.master
}

// Follow makes this server a replica of another one, or with "" a master: of what it
// copied last. A replica refuses writes.
func (r *Redis) Follow(master string) {
	r.mu.Lock()
	r.master = master
	r.mu.Unlock()
	select {
	case r.turned <- struct{}{}:
	default: // it is to look already
	}
}

// follow copies from the master, whenever there is one, until ctx is done.
func (r *Redis) follow(ctx context.Context, mini *miniredis.Miniredis) {
	for ctx.Err() == nil {
		if master := r.Master(); master != "" {
			r.followOne(ctx, mini, master)
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.turned:
		}
	}
}

// followOne copies from a master again and again, as long as it is that one.
func (r *Redis) followOne(ctx context.Context, mini *miniredis.Miniredis, master string) {
	turn := time.NewTimer(r.env.Phase("copy", r.cfg.CopyEvery))
	defer turn.Stop()
	var conn net.Conn
	for {
		select {
		case <-ctx.Done():
			_ = closeIf(conn)
			return
		case <-turn.C:
		}
		if r.Master() != master {
			_ = closeIf(conn)
			return
		}
		conn = r.copyOn(ctx, mini, master, conn)
		turn.Reset(r.cfg.CopyEvery)
	}
}

// copyOn copies once, on a connection or a new one, and returns the one for the next time.
func (r *Redis) copyOn(ctx context.Context, mini *miniredis.Miniredis, master string, conn net.Conn) net.Conn {
	ctx, cancel := context.WithTimeout(ctx, copyLimit)
	defer cancel()
	if conn == nil {
		var err error
		if conn, err = r.env.DialContext(ctx, "tcp", master); err != nil {
			return nil
		}
	}
	if err := r.copy(ctx, mini, master, conn); err != nil {
		_ = conn.Close()
		return nil
	}
	return conn
}

// copy takes over all that the master has.
func (r *Redis) copy(ctx context.Context, mini *miniredis.Miniredis, master string, conn net.Conn) error {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := proto.Write(conn, []string{"EVAL", luaCopy, "0"}); err != nil {
		return err
	}
	raw, err := proto.Read(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	got, err := proto.Parse(raw)
	if err != nil {
		return err
	}
	hashes, ok := got.([]any)
	if !ok {
		return fmt.Errorf("copy from %s: it answered %.100q", master, raw)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.master != master {
		return nil // it was told otherwise meanwhile
	}
	mini.FlushAll()
	for _, h := range hashes {
		if err := put(mini, h); err != nil {
			return fmt.Errorf("copy from %s: %w", master, err)
		}
	}
	return nil
}

// put stores one hash of a copy.
func put(mini *miniredis.Miniredis, hash any) error {
	parts, ok := hash.([]any)
	if !ok || len(parts) != 3 {
		return fmt.Errorf("no hash: %v", hash)
	}
	key, _ := parts[0].(string)
	left, _ := parts[1].(int)
	pairs, _ := parts[2].([]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		mini.HSet(key, fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	if left > 0 {
		mini.SetTTL(key, time.Duration(left)*time.Millisecond)
	}
	return nil
}

// serveReplicaOf serves REPLICAOF.
func (r *Redis) serveReplicaOf(peer *server.Peer, _ string, args []string) {
	switch {
	case len(args) != 2:
		peer.WriteError("ERR wrong number of arguments for 'replicaof' command")
		return
	case strings.EqualFold(args[0], "no") && strings.EqualFold(args[1], "one"):
		r.Follow("")
	default:
		r.Follow(net.JoinHostPort(args[0], args[1]))
	}
	peer.WriteOK()
}

// serveRole serves ROLE, as far as a sentinel asks.
func (r *Redis) serveRole(peer *server.Peer, _ string, _ []string) {
	host, port, err := net.SplitHostPort(r.Master())
	if err != nil {
		peer.WriteStrings([]string{"master"})
		return
	}
	peer.WriteStrings([]string{"slave", host, port})
}
