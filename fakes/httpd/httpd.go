// Package httpd serves HTTP for the fakes that speak it. It knows nothing of what
// they say.
package httpd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers on a listener until ctx is done, and returns when all handlers have.
// Requests that are under way then lose their connections.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	var inside sync.WaitGroup
	inside.Add(1) // it must not come to nothing between requests while another one begins
	defer func() {
		inside.Done()
		inside.Wait()
	}()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside.Add(1)
			defer inside.Done()
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}
