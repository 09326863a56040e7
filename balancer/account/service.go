package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"deadair/balancer/env"
)

// ServiceConfig is where a service of the operator's answers for all accounts. The
// zero value of a field stands for its default.
type ServiceConfig struct {
	URL      string        `yaml:"url"`      // POST here; with user and password, if it wants some. "": no service
	Deadline time.Duration `yaml:"deadline"` // of one question, and of waiting for its turn before; 1s
	Fresh    time.Duration `yaml:"fresh"`    // an answer is used again for so long; 1m
	Keep     time.Duration `yaml:"keep"`     // and for so long while the service is out of order; 24h
	Retry    time.Duration `yaml:"retry"`    // after a failure it is left alone for so long; 1s
	Cache    int           `yaml:"cache"`    // answers remembered; 4096
	Calls    int           `yaml:"calls"`    // questions at once; 64
}

// WithDefaults is the configuration with its zero fields filled in.
func (c ServiceConfig) WithDefaults() ServiceConfig {
	c.Deadline = cmp.Or(c.Deadline, time.Second)
	c.Fresh = cmp.Or(c.Fresh, time.Minute)
	c.Keep = cmp.Or(c.Keep, 24*time.Hour)
	c.Retry = cmp.Or(c.Retry, time.Second)
	c.Cache = cmp.Or(c.Cache, 4096)
	c.Calls = cmp.Or(c.Calls, 64)
	return c
}

// Validate says what is wrong with a configuration that has its defaults.
func (c ServiceConfig) Validate() error {
	var errs []error
	for name, bad := range map[string]bool{
		"deadline": c.Deadline < 0, "fresh": c.Fresh < 0, "keep": c.Keep < 0, "retry": c.Retry < 0, "cache": c.Cache < 0, "calls": c.Calls < 0,
	} {
		if bad {
			errs = append(errs, fmt.Errorf("auth: %s is negative", name))
		}
	}
	u, err := url.Parse(c.URL)
	if c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, errors.New("auth: url must be like http://host:port/path"))
	}
	return errors.Join(errs...)
}

// Dial connects to "host:port", as env.Env.DialContext does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Service is a Checker that asks a service, in the words of Icecast's URL
// authentication: a POST of the form action=stream_auth, user, pass, mount, ip,
// agent, and admin=1 for requests about a show. The service says yes with the field
// "icecast-auth-user: 1", that the credentials are wrong with "icecast-auth-user: 0"
// or status 401, and that the mount is not theirs with status 403. With a yes it may
// tell the account's plan, in the field "deadair-plan". All else, silence included, is
// a service out of order: what it said before goes on to count, and nothing is called
// wrong. So is a 401 that asks for credentials (RFC 9110 section 11.6.1) and does not
// name the field: it does not accept who asks, and says nothing on who is asked about.
//
// It is safe for concurrent use.
type Service struct {
	cfg       ServiceConfig
	url       *url.URL
	transport *http.Transport
	log       *slog.Logger
	calls     chan struct{} // holds one token for each question under way
	hashing   chan struct{} // and one for each password being hashed
	answers   *answers

	mu   sync.Mutex
	rest time.Time // until then it is left alone
	down bool      // as said in the log
}

// NewService makes a Service of a valid configuration.
func NewService(cfg ServiceConfig, dial Dial, log *slog.Logger) (*Service, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("use account service: %w", err)
	}
	return &Service{
		cfg: cfg, url: u, log: log, calls: make(chan struct{}, cfg.Calls), hashing: make(chan struct{}, maxHashing), answers: newAnswers(cfg.Cache),
		transport: &http.Transport{
			DialContext: dial, DisableCompression: true, MaxIdleConnsPerHost: cfg.Calls,
			IdleConnTimeout: 10 * cfg.Deadline, TLSHandshakeTimeout: cfg.Deadline, MaxResponseHeaderBytes: 16 << 10,
		},
	}, nil
}

// Inherit has the service go on with the answers that another one remembers, if both ask
// at the same URL, whatever the password there: who was proven stays proven while it is
// away. It is called before s is used.
func (s *Service) Inherit(before *Service) {
	here, there := *s.url, *before.url
	here.User, there.User = nil, nil
	if here != there {
		return
	}
	s.answers = before.answers
	s.answers.limit(s.cfg.Cache)
}

// Close implements Checker.
func (s *Service) Close() { s.transport.CloseIdleConnections() }

// Mount implements Checker: a service is not asked for mounts.
func (s *Service) Mount(string, int) string { return "" }

// Check implements Checker.
func (s *Service) Check(ctx context.Context, r Request) (Grant, error) {
	before, known := s.said(r)
	age := time.Since(before.at)
	grant := Grant{Account: r.User, Proof: before.proof, Plan: before.plan}
	if known && age < s.cfg.Fresh {
		return grant, nil
	}
	plan, err := s.ask(ctx, r)
	switch {
	case err == nil:
		grant.Plan = plan
		if grant.Proof == "" && !r.Admin {
			grant.Proof = s.proof(r.Password)
		}
		s.answers.put(said{s.answers.key(r), time.Now(), grant.Proof, grant.Plan})
		return grant, nil
	case !errors.Is(err, ErrUnavailable):
		s.answers.drop(s.answers.key(r))
		return Grant{}, err
	case known && age < s.cfg.Keep:
		grant.Stale = true
		return grant, nil
	}
	return Grant{}, err
}

// probing is whom Probe asks for: nobody.
const probing = "deadair-probe"

// Probe implements Checker. It asks for a user that no service knows.
func (s *Service) Probe(ctx context.Context) error {
	if _, err := s.ask(ctx, Request{User: probing, Mount: "/" + probing}); errors.Is(err, ErrUnavailable) {
		return err
	}
	return nil
}

// said is when the service said yes. Who may go on air on a mount may tell its titles.
func (s *Service) said(r Request) (before said, known bool) {
	source := r
	source.Admin = false
	if before, known = s.answers.get(s.answers.key(source)); known || !r.Admin {
		return before, known
	}
	return s.answers.get(s.answers.key(r))
}

// proof hashes a password. Where that would have to wait there is none: it is made
// with the next answer.
func (s *Service) proof(password string) string {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	default:
		return ""
	}
	proof, err := Hash(password)
	if err != nil {
		return ""
	}
	return proof
}

// Recall implements Checker. What it proves is remembered as said so long ago that
// the service is asked again.
func (s *Service) Recall(ctx context.Context, r Request, proof string) (Grant, error) {
	h, err := parseHash(proof)
	if err != nil {
		return Grant{}, fmt.Errorf("%w: no proof of it is left", ErrUnavailable)
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return Grant{}, fmt.Errorf("%w: too many passwords to hash: %w", ErrUnavailable, ctx.Err())
	}
	if !h.is(r.Password) {
		return Grant{}, fmt.Errorf("%w: it is not the password of before", ErrUnavailable)
	}
	r.Admin = false
	s.answers.put(said{s.answers.key(r), time.Now().Add(-s.cfg.Fresh), proof, ""})
	return Grant{Account: r.User, Stale: true, Proof: proof}, nil
}

// ask puts one question to the service, unless it is to be left alone. It returns the
// plan that a yes came with.
func (s *Service) ask(ctx context.Context, r Request) (plan string, err error) {
	if s.resting() {
		return "", fmt.Errorf("%w: account service is out of order", ErrUnavailable)
	}
	turn, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
	defer cancel()
	select {
	case s.calls <- struct{}{}:
		defer func() { <-s.calls }()
	case <-turn.Done():
		return "", fmt.Errorf("%w: too many questions to the account service", ErrUnavailable)
	}
	asking, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
	defer cancel()
	began := time.Now()
	plan, err = s.post(asking, r)
	if !env.Ended(ctx) || time.Since(began) >= s.cfg.Deadline { // otherwise it was not given its time
		s.note(err)
	}
	return plan, err
}

// post is one question and its answer.
func (s *Service) post(ctx context.Context, r Request) (plan string, err error) {
	form := url.Values{"action": {"stream_auth"}, "user": {r.User}, "pass": {r.Password}, "mount": {r.Mount}, "ip": {r.Client}, "agent": {r.Agent}}
	if r.Admin {
		form.Set("admin", "1")
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header["Idempotency-Key"] = nil // it may be sent again when a kept connection turns out to be closed
	if u := s.url.User; u != nil {
		password, _ := u.Password()
		q.SetBasicAuth(u.Username(), password)
	}
	answer, err := s.transport.RoundTrip(q)
	if err != nil {
		return "", fmt.Errorf("%w: ask account service: %w", ErrUnavailable, err)
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, 4<<10) // it says nothing; it is read so that the connection may be used again
	return answer.Header.Get("Deadair-Plan"), verdict(answer)
}

// verdict is what an answer means.
func verdict(answer *http.Response) error {
	user := answer.Header.Get("Icecast-Auth-User")
	switch {
	case answer.StatusCode == http.StatusOK && user == "1":
		return nil
	case answer.StatusCode == http.StatusUnauthorized && user == "" && answer.Header.Get("WWW-Authenticate") != "":
		return fmt.Errorf("%w: account service wants another user and password in auth.url", ErrUnavailable)
	case answer.StatusCode == http.StatusOK && user == "0", answer.StatusCode == http.StatusUnauthorized:
		return ErrWrong
	case answer.StatusCode == http.StatusForbidden:
		return ErrMount
	}
	err := fmt.Errorf("%w: account service answered %s without a word on the user", ErrUnavailable, answer.Status)
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		return err
	}
	return fmt.Errorf("%w: %w", errOdd, err)
}

// errOdd is an answer that may be about one question only: a service that stumbles over a
// stranger's user name must not silence it for everybody.
var errOdd = errors.New("strange answer")

func (s *Service) resting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.rest)
}

// note remembers how the service is. Its connections may be dead as well: the next
// question does not use them.
func (s *Service) note(err error) {
	if errors.Is(err, errOdd) {
		return // who asked is told; whether it is out of order all others' questions tell
	}
	down := errors.Is(err, ErrUnavailable)
	s.mu.Lock()
	if down {
		s.rest = time.Now().Add(s.cfg.Retry)
	}
	changed := s.down != down
	s.down = down
	s.mu.Unlock()
	if down {
		s.transport.CloseIdleConnections()
	}
	switch {
	case changed && down:
		s.log.Error("account service is out of order: only accounts it has answered for go on air", "err", err)
	case changed:
		s.log.Info("account service answers again")
	}
}
