// Command recorder is the recording server on its own.
//
//	recorder [-config recorder.yaml] [-dir recordings] [-name N] [-listen :8000] [-admin :8001] [-public :8002]
//
// SIGTERM drains: no new shows, those on air go on and may reconnect, until the last
// has ended or drain-timeout has passed; a second SIGTERM or SIGINT ends it at once.
// SIGHUP, on which a balancer reads its accounts again, is ignored.
// Whatever ends it, what it has received is on disk.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"deadair/balancer/env"
	"deadair/balancer/recorder"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], catch(), os.Stderr))
}

// catch catches the signals that a recorder knows.
func catch() chan os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	return signals
}

// options are what the command line says.
type options struct {
	config   string
	dir      string
	override recorder.Config // fields that are set win over the file's
	debug    bool
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("recorder", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.config, "config", "", "configuration `file` in YAML")
	flags.StringVar(&o.dir, "dir", "recordings", "`directory` of the recordings")
	flags.StringVar(&o.override.Name, "name", "", "name among the recorders (default: the file's, or the host's name)")
	flags.StringVar(&o.override.Listen, "listen", "", "`address` for sources, listeners and GET /health (default: the file's, or :8000)")
	flags.StringVar(&o.override.Admin, "admin", "", "`address` for operators (default: the file's, or :8001)")
	flags.StringVar(&o.override.Public, "public", "", "`address` for listeners only (default: the file's, or none)")
	flags.StringVar(&o.override.Store, "store", "", "where finished shows go: the `URL` of an S3 store, a directory below the recordings, or none (default: the file's; without one, and without peers, "+embedded+")")
	flags.IntVar(&o.override.Capacity, "capacity", 0, "sources at once (default: the file's, or 20)")
	flags.BoolVar(&o.debug, "debug", false, "log more")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: everything is a flag, see -help", flags.Arg(0))
	}
	return o, nil
}

// embedded is the directory below the recordings that finished shows go to when nothing
// else is said.
const embedded = "tracks"

// load reads the configuration file, if there is one, and puts the command line's
// values over it.
func (o options) load() (recorder.Config, error) {
	cfg := recorder.Config{}
	if o.config != "" {
		data, err := os.ReadFile(o.config)
		if err != nil {
			return cfg, fmt.Errorf("read config: %w", err)
		}
		if cfg, err = recorder.ParseConfig(data); err != nil {
			return cfg, fmt.Errorf("%s: %w", o.config, err)
		}
	}
	cfg.Name = cmp.Or(o.override.Name, cfg.Name)
	cfg.Listen = cmp.Or(o.override.Listen, cfg.Listen)
	cfg.Admin = cmp.Or(o.override.Admin, cfg.Admin)
	cfg.Public = cmp.Or(o.override.Public, cfg.Public)
	cfg.Capacity = cmp.Or(o.override.Capacity, cfg.Capacity)
	cfg.Store = cmp.Or(o.override.Store, cfg.Store)
	switch {
	case cfg.Store == "none":
		cfg.Store = ""
	case cfg.Store == "" && len(cfg.Peers) == 0: // peers would each publish their own part
		cfg.Store = embedded
	}
	return cfg, nil
}

// run is the command without the process around it.
func run(args []string, signals <-chan os.Signal, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	logger := o.logger(stderr)
	var r *recorder.Recorder
	if err == nil {
		r, err = build(o, logger)
	}
	if err != nil {
		fmt.Fprintln(stderr, "recorder:", err)
		return exitUsage
	}
	unlock, err := env.LockDir(o.dir) // recovery mends files as those of a process that has died
	if err != nil {
		fmt.Fprintln(stderr, "recorder:", err)
		return exitFailed
	}
	defer unlock()
	if err := serve(r, logger, signals); err != nil {
		fmt.Fprintln(stderr, "recorder:", err)
		return exitFailed
	}
	return exitOK
}

func (o options) logger(stderr io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if o.debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

func build(o options, logger *slog.Logger) (*recorder.Recorder, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find the host's name: %w", err)
	}
	return recorder.New(cfg, env.System(host, o.dir, logger), recorder.Parts{})
}

// serve runs the recorder until it fails or the signals end it.
func serve(r *recorder.Recorder, logger *slog.Logger, signals <-chan os.Signal) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx) }()
	drained := make(chan struct{})
	draining := false
	for {
		select {
		case err := <-served:
			return err
		case <-drained:
			drained = nil
			stop()
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				logger.Info("SIGHUP ignored: there is nothing to read again")
			case s != syscall.SIGTERM || draining:
				stop()
			default:
				draining = true
				r.SetDraining(true)
				go drain(ctx, r, drained)
			}
		}
	}
}

// drain waits until the last show has ended, or for drain-timeout.
func drain(ctx context.Context, r *recorder.Recorder, drained chan<- struct{}) {
	defer close(drained)
	ctx, cancel := context.WithTimeout(ctx, r.Config().DrainTimeout)
	defer cancel()
	r.WaitIdle(ctx)
}
