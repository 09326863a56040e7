package stack

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"deadair/fakes/audience"
	"deadair/fakes/broadcaster"
	"deadair/fakes/web"
	"deadair/harness/scenario"
)

// What an app does at the API. Its waits are of incident time, its patience is not scaled.
const (
	appEvery    = 10 * time.Second // from one question for news to the next
	appRetry    = 2 * time.Second  // from a begin, or an end, that failed to the next
	appBegins   = 150              // about five minutes of them, as the app's tries to connect
	appEnds     = 5
	appPatience = 10 * time.Second
)

// app is the API as an app uses it.
type app struct{ *audience.App }

// Begin implements broadcaster.API. The classes of both have the same names.
func (a app) Begin(ctx context.Context) (ingest string, class broadcaster.Class, status int) {
	ingest, last := a.App.Begin(ctx)
	return ingest, broadcaster.Class(last.Class), last.Status
}

// buildApp makes what the broadcaster's app does at the API; nil when it does nothing there.
func (s *Stack) buildApp(b scenario.Broadcaster) (broadcaster.API, error) {
	if b.API == "" {
		return nil, nil
	}
	e := s.world.Env(b.Name)
	every := s.clock(appEvery)
	ask := func(method string) audience.Ask {
		return audience.Ask{Method: method, Site: b.API, Second: b.Second, Port: webPort, Path: web.ShowsPath + b.Mount}
	}
	one, err := audience.NewApp(audience.AppConfig{
		Ways:  audience.Ways{Resolve: s.resolvers[resolverOf(b)].Lookup, Dial: e.DialContext},
		Begin: ask(http.MethodPost), News: ask(http.MethodGet), End: ask(http.MethodDelete),
		Every: every, Phase: e.Phase("news", every), Retry: s.clock(appRetry), Begins: appBegins, Ends: appEnds,
		Patience: appPatience, Quiet: s.clock(visitQuiet), Observe: s.observeRequests(b.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("build app of %s: %w", b.Name, err)
	}
	return app{one}, nil
}
