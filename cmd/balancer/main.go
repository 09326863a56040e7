// Command balancer is the ingest balancer on its own.
//
//	balancer -config balancer.yaml [-name N] [-listen :8000] [-shoutcast :8001] [-admin :8002] [-redis IP:PORT]
//	balancer -hash-password < password
//
// SIGTERM drains, SIGHUP reads accounts, certificate and rollout again; -help tells more.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"deadair/balancer"
	"deadair/balancer/account"
	"deadair/balancer/env"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usage is what -help says before the flags.
const usage = `Usage:
  balancer -config balancer.yaml [flags]
  balancer -hash-password < password

SIGTERM drains: no new shows, those on air go on until they end or drain-timeout has
passed; a second SIGTERM or SIGINT ends it at once. SIGHUP reads the accounts, the
certificate and the rollout again, from the configuration and the files that it names.

The configuration says who may send, in one of two ways. By a list of users, their
passwords hashed by -hash-password. A user without mounts may use any; an operator
may set the titles of all shows and end them:

  accounts-file: accounts.yaml

  # accounts.yaml
  anna: {password: "$pbkdf2-sha256$4096$...", mounts: [/anna, /news/*]}
  duty: {password: "$pbkdf2-sha256$4096$...", operator: true}

Or by a service, asked in the words of Icecast's URL authentication. While it is out
of order, accounts that it knew still go on air, shows go on through any balancer, and
nobody's password is called wrong:

  auth: {url: "http://10.0.4.1:8080/auth", deadline: 1s, fresh: 1m, keep: 24h}

With a certificate, sources may speak TLS 1.2 or 1.3 on the same ports:

  tls: {certificate: chain.pem, key: key.pem}

SHOUTcast v1 sources give "password", "user:password", "user:password:#2" or
"user:password:/mount". Where no mount is given, the stream goes to the first (or
second) of the account's mounts in the list, or to:

  shoutcast-mount: "/{user}"

A new generation of recorders is rolled out beside the old one by cohorts: plans, which
the list (plan: pro) or the service ("deadair-plan: pro" with its yes) tells, and apps, by
their User-Agent. The first route that fits counts, for shows that begin; shows on air and
those that come back stay with their recorder. POST /rollout at the admin port changes the
routes until they are read again:

  recorders: [{name: r1, datacenter: eu, addr: "10.0.1.1:8000", admin: "10.0.1.1:8002", generation: old}, ...]
  rollout: {own-apps: [MyApp/], routes: [{plan: pro, apps: third-party, to: new}, {to: old}]}

Flags:
`

// gcPercent is how far the heap grows before it is collected, unless GOGC says it. A
// balancer holds a little for each show, for hours, and makes garbage when shows begin:
// room for twice as much would stand empty.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	os.Exit(run(os.Args[1:], signals, os.Stdin, os.Stdout, os.Stderr))
}

// options are what the command line says.
type options struct {
	config   string
	override balancer.Config // fields that are set win over the file's
	debug    bool
	hash     bool // hash a password and do nothing else
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("balancer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.config, "config", "", "configuration `file` in YAML (required)")
	flags.StringVar(&o.override.Name, "name", "", "name among the balancers (default: the file's, or the host's name)")
	flags.StringVar(&o.override.Listen, "listen", "", "`address` for sources and GET /health (default: the file's, or :8000)")
	flags.StringVar(&o.override.Shoutcast, "shoutcast", "", "`address` for SHOUTcast v1 sources, \"none\" for none (default: the file's, or one port above -listen)")
	flags.StringVar(&o.override.Admin, "admin", "", "`address` for operators (default: the file's, or :8002)")
	flags.StringVar(&o.override.Redis, "redis", "", "`ip:port` of the session index (default: the file's)")
	flags.BoolVar(&o.debug, "debug", false, "log more")
	flags.BoolVar(&o.hash, "hash-password", false, "read a password from standard input, print its hash for accounts, and end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: everything is a flag, see -help", flags.Arg(0))
	}
	if o.config == "" && !o.hash {
		return o, errors.New("give the configuration file: -config FILE")
	}
	return o, nil
}

// load reads the configuration file and puts the command line's values over it.
func (o options) load() (balancer.Config, error) {
	data, err := os.ReadFile(o.config)
	if err != nil {
		return balancer.Config{}, fmt.Errorf("read config: %w", err)
	}
	cfg, err := balancer.ParseConfig(data)
	if err != nil {
		return balancer.Config{}, fmt.Errorf("%s: %w", o.config, err)
	}
	for _, field := range []struct{ to, from *string }{
		{&cfg.Name, &o.override.Name}, {&cfg.Listen, &o.override.Listen}, {&cfg.Shoutcast, &o.override.Shoutcast},
		{&cfg.Admin, &o.override.Admin}, {&cfg.Redis, &o.override.Redis},
	} {
		if *field.from != "" {
			*field.to = *field.from
		}
	}
	return cfg, nil
}

// run is the command without the process around it.
func run(args []string, signals <-chan os.Signal, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintln(stderr, "balancer:", err)
		return exitUsage
	}
	if o.hash {
		if err := hashPassword(stdin, stdout); err != nil {
			fmt.Fprintln(stderr, "balancer:", err)
			return exitFailed
		}
		return exitOK
	}
	b, err := build(o, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "balancer:", err)
		return exitUsage
	}
	if err := serve(b, o, signals, stderr); err != nil {
		fmt.Fprintln(stderr, "balancer:", err)
		return exitFailed
	}
	return exitOK
}

func build(o options, stderr io.Writer) (*balancer.Balancer, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, err
	}
	level := slog.LevelInfo
	if o.debug {
		level = slog.LevelDebug
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find the host's name: %w", err)
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return balancer.New(cfg, env.System(host, "", logger), balancer.Parts{})
}

// serve runs the balancer until it fails or the signals end it.
func serve(b *balancer.Balancer, o options, signals <-chan os.Signal, stderr io.Writer) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- b.Serve(ctx) }()
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
				reload(b, o, stderr)
			case s == syscall.SIGTERM && !draining:
				draining = true
				b.Drain()
				go waitIdle(ctx, b, drained)
			default:
				stop()
			}
		}
	}
}

// waitIdle closes drained when the last show has ended or the drain took too long.
func waitIdle(ctx context.Context, b *balancer.Balancer, drained chan<- struct{}) {
	ctx, cancel := context.WithTimeout(ctx, b.Config().DrainTimeout)
	defer cancel()
	b.WaitIdle(ctx) //nolint:errcheck // shows that are left are ended by the stop that follows
	close(drained)
}

func reload(b *balancer.Balancer, o options, stderr io.Writer) {
	cfg, err := o.load()
	if err == nil {
		err = b.Reload(cfg)
	}
	if err != nil {
		fmt.Fprintln(stderr, "balancer: kept accounts and certificate as they were:", err)
		return
	}
	fmt.Fprintln(stderr, "balancer: read accounts and certificate again")
}

// hashPassword hashes the first line.
func hashPassword(stdin io.Reader, stdout io.Writer) error {
	line, err := bufio.NewReader(stdin).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return errors.Join(errors.New("hash password: give it on standard input"), ignoreEOF(err))
	}
	hash, err := account.Hash(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, hash)
	return err
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
