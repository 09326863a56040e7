package broadcaster

import (
	"context"
	"net"
	"strconv"
	"sync"
)

// API is what an app uses beside its stream. Its methods return when ctx is done.
type API interface {
	// Begin asks where to broadcast, "host:port", on air and before the first connection.
	// "" means that nobody told it: the app leaves the show to its user, because of the
	// class and status of the last try.
	Begin(ctx context.Context) (ingest string, class Class, status int)
	// Run goes on beside the stream until ctx is done.
	Run(ctx context.Context)
	// End tells that the show is over.
	End(ctx context.Context)
}

// perform plays the show: with an API once that has told where to. Whatever goes on
// beside it is in all.
func (b *Broadcaster) perform(show context.Context, all *sync.WaitGroup) *conn {
	if b.cfg.API == nil {
		return b.play(show)
	}
	ingest, class, status := b.cfg.API.Begin(show)
	if show.Err() != nil {
		return nil
	}
	host, port, err := net.SplitHostPort(ingest)
	n, _ := strconv.Atoi(port)
	if err != nil || n <= 0 {
		b.reporter.report(Event{Kind: GaveUp, Class: class, Status: status})
		return nil
	}
	b.cfg.Ingest, b.cfg.Port = host, n
	b.request.Host, b.request.Port = host, n
	all.Go(func() { b.cfg.API.Run(show) })
	return b.play(show)
}
