package balancer

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"deadair/balancer/account"
	"deadair/balancer/icecast"
)

// handleShoutcast is the handler of the port for SHOUTcast v1. The client gets its
// answer before it tells of its stream, so that the recorder is found afterwards:
// what can be known before is.
func (b *Balancer) handleShoutcast(ctx context.Context, tcp net.Conn, place *list.Element) (carry func()) {
	stop := closeOnDone(ctx, tcp)
	stranger := &icecast.Head{Proto: "ICY"}
	var login icecast.Login
	var rest []byte
	conn, err := b.read(tcp, place, func(conn net.Conn) (err error) {
		login, rest, err = icecast.ReadLogin(conn)
		return err
	})
	end := func() {
		stop()
		conn.Close()
	}
	if err != nil {
		b.refuseHead(conn, stranger, err)
		end()
		return nil
	}
	stranger.Target = b.shoutcastMount(login)
	a, no := b.welcome(ctx, conn, login, &icecast.Head{Target: stranger.Target, Proto: "ICY", Rest: rest})
	if no != nil {
		b.refuse(conn, stranger, *no)
		end()
		return nil
	}
	s := b.tune(ctx, conn, a)
	if s == nil {
		abort(conn) // it has had its answer; nothing else can be said
		end()
		return nil
	}
	stop() // the show looks after itself
	return b.begin(ctx, s)
}

// welcome answers a client's password, within the time that a PUT has. head is what
// is known until the client has told of its stream.
func (b *Balancer) welcome(ctx context.Context, conn net.Conn, login icecast.Login, head *icecast.Head) (*admission, *icecast.Refusal) {
	if login.Poke() {
		no := icecast.Unauthorized()
		return nil, &no
	}
	if err := icecast.CheckMount(head.Target); err != nil {
		no := refuseMount(err)
		return nil, &no
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.HoldPut)
	defer cancel()
	a := &admission{client: conn, mount: head.Target, head: head}
	defer b.table.proven(a)
	for {
		no := b.ready(ctx, a, login)
		if no == nil {
			break
		}
		if no.next == giveUp || b.rest(ctx, a) != nil {
			return nil, &no.Refusal
		}
	}
	conn.SetWriteDeadline(time.Now().Add(b.cfg.HeadTimeout))
	icecast.Welcome(conn) //nolint:errcheck // the read that follows tells that the client has gone
	conn.SetWriteDeadline(time.Time{})
	return a, nil
}

// ready tells what keeps a source out that has not said yet what it is.
func (b *Balancer) ready(ctx context.Context, a *admission, login icecast.Login) *refused {
	if a.account == "" {
		if no := b.identify(ctx, a, credentials{login.User, login.Password}, account.Request{Mount: a.mount}); no != nil {
			return no
		}
	}
	view := b.watcher.View()
	switch {
	case b.draining.Load():
		return &refused{refuseDraining(), tryLater}
	case len(b.choose(Choice{Mount: a.mount, View: view, Near: b.cfg.Near})) == 0:
		return &refused{refuseNobody(view), tryLater}
	}
	return nil
}

// tune reads what a welcome client tells of its stream, and puts it on air.
func (b *Balancer) tune(ctx context.Context, conn net.Conn, a *admission) *show {
	early := bytes.NewReader(a.head.Rest)
	_, err := b.read(conn, b.pending.enter(conn), func(conn net.Conn) (err error) {
		a.head, err = icecast.ReadStream(io.MultiReader(early, conn), a.mount)
		return err
	})
	if err != nil {
		b.dismiss(conn, "head-incomplete")
		return nil
	}
	unread, _ := io.ReadAll(early) // a head is read up to a limit, and more may have come; memory does not fail
	a.head.Rest = append(a.head.Rest, unread...)
	return b.admit(ctx, a)
}

// shoutcastMount is where a SHOUTcast source goes: where it says itself, where its
// account says, or as the configuration has it.
func (b *Balancer) shoutcastMount(login icecast.Login) string {
	if login.Mount != "" {
		return login.Mount
	}
	if mount := (*b.accounts.Load()).Mount(login.User, login.Stream); mount != "" {
		return mount
	}
	mount := strings.ReplaceAll(b.cfg.ShoutcastMount, "{user}", login.User)
	if login.Stream > 1 {
		mount += fmt.Sprintf("/%d", login.Stream)
	}
	return mount
}
