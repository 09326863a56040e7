package balancer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"deadair/balancer/account"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

// Config is a balancer's configuration. The zero value of a field stands for its
// default; durations are written as "5m" or "250ms". The JSON form is the same.
//
// Waits (how often, how long until) may be scaled together; deadlines and holds
// (how long one thing may take) are what a client or a network gives.
type Config struct {
	Name           string           `yaml:"name"`            // unique among the balancers; default: the host's name
	Datacenter     string           `yaml:"datacenter"`      // where it stands
	Listen         string           `yaml:"listen"`          // sources and GET /health; ":8000"
	Shoutcast      string           `yaml:"shoutcast"`       // sources by SHOUTcast v1, "none" for none; default: the port after Listen's, unless Admin has it
	Admin          string           `yaml:"admin"`           // operators; ":8002"
	TLS            TLSConfig        `yaml:"tls"`             // read again on Reload
	Redis          string           `yaml:"redis"`           // "ip:port" of the index
	RedisSentinels []string         `yaml:"redis-sentinels"` // "ip:port" each of who knows where the index is, in the place of redis; a majority must answer
	RedisMaster    string           `yaml:"redis-master"`    // what they call it
	RedisCluster   []string         `yaml:"redis-cluster"`   // "ip:port" each of servers of a Redis cluster, in the place of redis; they tell of the others
	RedisKeys      string           `yaml:"redis-keys"`      // what the index's keys begin with, the same in all balancers; "deadair:"
	Recorders      []fleet.Recorder `yaml:"recorders"`       // all datacenters'
	Peers          []fleet.Peer     `yaml:"peers"`           // the other balancers, asked whether a fault is ours alone
	Near           []string         `yaml:"near"`            // datacenters by nearness; default: the own one, then the others by name

	// Who may send. Either a list, or a service that knows all. Read again on Reload.
	Accounts     map[string]string     `yaml:"accounts"`      // password by user, plain or as account.Hash writes it; the user is the account
	AccountsFile string                `yaml:"accounts-file"` // more of them, see account.Account
	Auth         account.ServiceConfig `yaml:"auth"`          // a service instead

	// Where SHOUTcast sources go: they name no mount. "{user}" stands for the user,
	// which is "source" when there is a password only. A user's second stream goes to
	// the same mount with "/2" behind it, and so on. A list may name other mounts.
	ShoutcastMount string `yaml:"shoutcast-mount"` // "/{user}"

	Rollout Rollout `yaml:"rollout"` // of a new generation of recorders. Read again on Reload

	HeadTimeout          time.Duration `yaml:"head-timeout"`           // until a request's head is complete; 15s
	HoldPut              time.Duration `yaml:"hold-put"`               // a PUT is answered within; libshout sends its body unasked after 4 s; 3s
	HoldSource           time.Duration `yaml:"hold-source"`            // a SOURCE is answered within; 20s
	HoldRetry            time.Duration `yaml:"hold-retry"`             // wait between two tries while an answer is held; 250ms
	ClaimDeadline        time.Duration `yaml:"claim-deadline"`         // of one call to the index; 500ms
	DialDeadline         time.Duration `yaml:"dial-deadline"`          // of offering a source to one recorder, its answer included; 1s
	AskDeadline          time.Duration `yaml:"ask-deadline"`           // of asking all recorders who holds a mount; 500ms
	ForwardDeadline      time.Duration `yaml:"forward-deadline"`       // of a metadata or kill request; 5s
	ProbeInterval        time.Duration `yaml:"probe-interval"`         // between two rounds of the own health check; 5s
	ProbeDeadline        time.Duration `yaml:"probe-deadline"`         // of one round, questions to peers included; 1.5s
	RecorderPoll         time.Duration `yaml:"recorder-poll"`          // between two looks at a recorder; 2s
	RecorderPollDeadline time.Duration `yaml:"recorder-poll-deadline"` // of one look; 1s
	RecorderFall         int           `yaml:"recorder-fall"`          // failed looks or dials in a row until a recorder is out; 2
	RecorderRise         int           `yaml:"recorder-rise"`          // good looks in a row until it is back; 2
	Window               time.Duration `yaml:"window"`                 // how long a show waits for its broadcaster; 5m
	RenewInterval        time.Duration `yaml:"renew-interval"`         // between two renewals of a live show's window; Window/5
	RestoreInterval      time.Duration `yaml:"restore-interval"`       // between two tries to bring a show that the index lacks back into it; 5s
	Batch                time.Duration `yaml:"batch"`                  // a source is read at most this often, up to 500ms; negative: as bytes come; 200ms
	StallTimeout         time.Duration `yaml:"stall-timeout"`          // a recorder that takes no bytes for this long, and up to a sixteenth more, is given up; 10s
	LingerTimeout        time.Duration `yaml:"linger-timeout"`         // for a recorder to take the rest after a source's end; 5s
	RefuseLinger         time.Duration `yaml:"refuse-linger"`          // for a refused client to read its answer and close; 250ms
	DrainTimeout         time.Duration `yaml:"drain-timeout"`          // SIGTERM waits this long for shows to end; 6h

	MaxSources    int `yaml:"max-sources"`     // on air or waiting to be, and as many more whose credentials are not proven yet; 4096
	MaxPerAccount int `yaml:"max-per-account"` // of those, of one account; 64
	MaxWaiting    int `yaml:"max-waiting"`     // held although there is no place for them; 256
	MaxAdmitting  int `yaml:"max-admitting"`   // claimed and offered to recorders at once; more wait their turn; 256
	MaxPending    int `yaml:"max-pending"`     // connections whose head is not complete; the oldest is closed for a new one; 1024
	MaxLeaving    int `yaml:"max-leaving"`     // refused clients that may read their answer; more are reset; 1024
	MaxRequests   int `yaml:"max-requests"`    // metadata and kill requests at once; 64

	// What the operator declares about DNS, for checking Window against it.
	DNSTTL         time.Duration `yaml:"dns-ttl"`         // 10s
	CheckInterval  time.Duration `yaml:"check-interval"`  // of the DNS health checks; 10s
	CheckThreshold int           `yaml:"check-threshold"` // failed checks until a balancer leaves the answers; 3
}

// ParseConfig reads a configuration in YAML or JSON. A field that does not exist
// is an error with its place. What is not given stays zero.
func ParseConfig(data []byte) (Config, error) {
	var c Config
	if err := yaml.UnmarshalWithOptions(data, (*plainConfig)(&c), yaml.Strict()); err != nil {
		return Config{}, fmt.Errorf("parse config: %w", err)
	}
	return c, nil
}

// plainConfig has Config's fields without its methods.
type plainConfig Config

// MarshalJSON writes the YAML form's fields as JSON.
func (c Config) MarshalJSON() ([]byte, error) {
	data, err := yaml.Marshal(plainConfig(c))
	if err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	var fields map[string]any
	if err := yaml.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	return json.Marshal(fields)
}

// UnmarshalJSON is ParseConfig.
func (c *Config) UnmarshalJSON(data []byte) error {
	parsed, err := ParseConfig(data)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// WithDefaults is the configuration with its zero fields filled in, as New does. Host is
// the name for a balancer without one.
func (c Config) WithDefaults(host string) Config {
	c.Name = cmp.Or(c.Name, host)
	c.Listen = cmp.Or(c.Listen, ":8000")
	c.Admin = cmp.Or(c.Admin, ":8002")
	if after := portAfter(c.Listen); c.Shoutcast == "" && after != c.Admin {
		c.Shoutcast = after
	}
	c.Shoutcast = cmp.Or(c.Shoutcast, noPort)
	c.Auth = c.Auth.WithDefaults()
	c.ShoutcastMount = cmp.Or(c.ShoutcastMount, "/{user}")
	c.RedisKeys = cmp.Or(c.RedisKeys, "deadair:")
	c.HeadTimeout = cmp.Or(c.HeadTimeout, 15*time.Second)
	c.HoldPut = cmp.Or(c.HoldPut, 3*time.Second)
	c.HoldSource = cmp.Or(c.HoldSource, 20*time.Second)
	c.HoldRetry = cmp.Or(c.HoldRetry, 250*time.Millisecond)
	c.ClaimDeadline = cmp.Or(c.ClaimDeadline, 500*time.Millisecond)
	c.DialDeadline = cmp.Or(c.DialDeadline, time.Second)
	c.AskDeadline = cmp.Or(c.AskDeadline, 500*time.Millisecond)
	c.ForwardDeadline = cmp.Or(c.ForwardDeadline, 5*time.Second)
	c.ProbeInterval = cmp.Or(c.ProbeInterval, 5*time.Second)
	c.ProbeDeadline = cmp.Or(c.ProbeDeadline, 1500*time.Millisecond)
	c.RecorderPoll = cmp.Or(c.RecorderPoll, 2*time.Second)
	c.RecorderPollDeadline = cmp.Or(c.RecorderPollDeadline, time.Second)
	c.RecorderFall = cmp.Or(c.RecorderFall, 2)
	c.RecorderRise = cmp.Or(c.RecorderRise, 2)
	c.Window = cmp.Or(c.Window, 5*time.Minute)
	c.RenewInterval = cmp.Or(c.RenewInterval, c.Window/5)
	c.RestoreInterval = cmp.Or(c.RestoreInterval, 5*time.Second)
	c.Batch = cmp.Or(c.Batch, 200*time.Millisecond)
	c.StallTimeout = cmp.Or(c.StallTimeout, 10*time.Second)
	c.LingerTimeout = cmp.Or(c.LingerTimeout, 5*time.Second)
	c.RefuseLinger = cmp.Or(c.RefuseLinger, 250*time.Millisecond)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 6*time.Hour)
	c.MaxSources = cmp.Or(c.MaxSources, 4096)
	c.MaxPerAccount = cmp.Or(c.MaxPerAccount, 64)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 256)
	c.MaxAdmitting = cmp.Or(c.MaxAdmitting, 256)
	c.MaxPending = cmp.Or(c.MaxPending, 1024)
	c.MaxLeaving = cmp.Or(c.MaxLeaving, 1024)
	c.MaxRequests = cmp.Or(c.MaxRequests, 64)
	c.DNSTTL = cmp.Or(c.DNSTTL, 10*time.Second)
	c.CheckInterval = cmp.Or(c.CheckInterval, 10*time.Second)
	c.CheckThreshold = cmp.Or(c.CheckThreshold, 3)
	if len(c.Near) == 0 {
		c.Near = c.nearByName()
	}
	return c
}

// noPort is an address that is not listened on.
const noPort = "none"

// portAfter is the address one port higher, where encoders expect SHOUTcast.
func portAfter(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	if err != nil || n <= 0 || n >= 65535 {
		return noPort
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

// nearByName is the own datacenter, then the recorders' others by name.
func (c Config) nearByName() []string {
	others := make(map[string]bool)
	for _, r := range c.Recorders {
		others[r.Datacenter] = true
	}
	delete(others, c.Datacenter)
	return append([]string{c.Datacenter}, slices.Sorted(maps.Keys(others))...)
}

// failoverBound is how long after its last renewal a show's reconnect may come
// when its balancer dies.
func (c Config) failoverBound() time.Duration {
	return c.RenewInterval + time.Duration(c.CheckThreshold)*c.CheckInterval + c.DNSTTL
}

// validateIndex says what is wrong with where the index is.
func (c Config) validateIndex() error {
	switch {
	case c.Redis == "" && len(c.RedisSentinels) == 0 && len(c.RedisCluster) == 0:
		return errors.New("redis: give the index's \"ip:port\", or redis-sentinels and redis-master, or redis-cluster")
	case c.Redis != "" && len(c.RedisSentinels) > 0:
		return errors.New("redis-sentinels: they tell where the index is; remove redis, or them")
	case len(c.RedisCluster) > 0 && (c.Redis != "" || len(c.RedisSentinels) > 0):
		return errors.New("redis-cluster: its servers tell where the index is; remove redis and redis-sentinels, or them")
	case len(c.RedisSentinels) > 0 && c.RedisMaster == "":
		return errors.New("redis-master: say what the sentinels call the index")
	}
	if c.Redis != "" {
		return checkAddrs("redis", c.Redis)
	}
	return errors.Join(checkAddrs("redis-sentinels", c.RedisSentinels...), checkAddrs("redis-cluster", c.RedisCluster...))
}

// validate says what is wrong with a configuration that has its defaults.
func (c Config) validate() error {
	errs := []error{c.validateNames(), c.validateTimes(), c.validateAccess(), c.validateIndex()}
	if bound := c.failoverBound(); c.Window < bound {
		errs = append(errs, fmt.Errorf("window: %v is shorter than this configuration's own failover: "+
			"renew-interval %v + check-threshold %d × check-interval %v + dns-ttl %v = %v; make window at least that, or fail over faster",
			c.Window, c.RenewInterval, c.CheckThreshold, c.CheckInterval, c.DNSTTL, bound))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("check config: %w", err)
	}
	return nil
}

// validateAccess checks who may send and how.
func (c Config) validateAccess() error {
	errs := []error{c.TLS.validate(), c.Auth.Validate()}
	if c.Auth.URL != "" && (len(c.Accounts) > 0 || c.AccountsFile != "") {
		errs = append(errs, errors.New("auth: the service knows all accounts; remove accounts and accounts-file, or auth"))
	}
	if c.Auth.URL == "" && len(c.Accounts) == 0 && c.AccountsFile == "" {
		errs = append(errs, errors.New("accounts: nobody may send, and every source is told that its password is wrong; give accounts, accounts-file or auth"))
	}
	if c.Shoutcast == c.Admin {
		errs = append(errs, fmt.Errorf("admin: %s is the port for SHOUTcast sources, too; give one of them another", c.Admin))
	}
	if err := icecast.CheckMount(strings.ReplaceAll(c.ShoutcastMount, "{user}", "user")); err != nil {
		errs = append(errs, fmt.Errorf("shoutcast-mount: %w", err))
	}
	return errors.Join(errs...)
}

func (c Config) validateNames() error {
	var errs []error
	if len(c.Recorders) == 0 {
		errs = append(errs, errors.New("recorders: give at least one"))
	}
	seen := make(map[string]bool)
	for i, r := range c.Recorders {
		switch {
		case r.Name == "" || r.Addr == "":
			errs = append(errs, fmt.Errorf("recorders[%d]: give it a name and an addr", i))
		case seen[r.Name]:
			errs = append(errs, fmt.Errorf("recorders[%d]: there is already one named %q", i, r.Name))
		}
		seen[r.Name] = true
		errs = append(errs, checkPorts(fmt.Sprintf("recorders[%d]", i), r.Addr, r.Admin))
	}
	for i, p := range c.Peers {
		if p.Addr == "" {
			errs = append(errs, fmt.Errorf("peers[%d]: give it an addr", i))
		}
		errs = append(errs, checkPorts(fmt.Sprintf("peers[%d]", i), p.Addr, p.Admin))
	}
	errs = append(errs, c.Rollout.validate(c.Recorders))
	return errors.Join(errs...)
}

// checkPorts says what is wrong with where somebody else's ports are, as far as that is told.
func checkPorts(who string, ports ...string) error {
	return checkAddrs(who, slices.DeleteFunc(ports, func(addr string) bool { return addr == "" })...)
}

// checkAddrs says what is wrong with where others listen.
func checkAddrs(key string, addrs ...string) error {
	for _, addr := range addrs {
		host, port, err := net.SplitHostPort(addr)
		n, _ := strconv.Atoi(port)
		if err != nil || host == "" || n < 1 || n > 65535 {
			return fmt.Errorf("%s: %q is no \"ip:port\"; an IPv6 address stands in brackets", key, addr)
		}
	}
	return nil
}

// maxBatch is the longest pause between two reads of a source: what it has sent waits as long
// for its recorder, and is lost with the balancer.
const maxBatch = 500 * time.Millisecond

func (c Config) validateTimes() error {
	var errs []error
	if c.Batch > maxBatch {
		errs = append(errs, fmt.Errorf("batch: %v is more than %v", c.Batch, maxBatch))
	}
	for name, d := range map[string]time.Duration{
		"head-timeout": c.HeadTimeout, "hold-put": c.HoldPut, "hold-source": c.HoldSource, "hold-retry": c.HoldRetry,
		"claim-deadline": c.ClaimDeadline, "dial-deadline": c.DialDeadline, "ask-deadline": c.AskDeadline,
		"forward-deadline": c.ForwardDeadline, "probe-interval": c.ProbeInterval, "probe-deadline": c.ProbeDeadline,
		"recorder-poll": c.RecorderPoll, "recorder-poll-deadline": c.RecorderPollDeadline, "window": c.Window,
		"renew-interval": c.RenewInterval, "restore-interval": c.RestoreInterval, "stall-timeout": c.StallTimeout,
		"linger-timeout": c.LingerTimeout, "refuse-linger": c.RefuseLinger, "drain-timeout": c.DrainTimeout, "dns-ttl": c.DNSTTL, "check-interval": c.CheckInterval,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s: %v is negative", name, d))
		}
	}
	for name, n := range map[string]int{
		"recorder-fall": c.RecorderFall, "recorder-rise": c.RecorderRise, "max-sources": c.MaxSources, "max-per-account": c.MaxPerAccount,
		"max-waiting": c.MaxWaiting, "max-admitting": c.MaxAdmitting, "max-pending": c.MaxPending, "max-leaving": c.MaxLeaving, "max-requests": c.MaxRequests, "check-threshold": c.CheckThreshold,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is negative", name, n))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}
