package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
)

// Config is a recorder's configuration. The zero value of a field stands for its
// default; durations are written as "5m" or "250ms". The JSON form is the same.
type Config struct {
	Name       string `yaml:"name"`       // unique among the recorders; default: the host's name
	Datacenter string `yaml:"datacenter"` // where it stands
	Listen     string `yaml:"listen"`     // sources, GET /sessions and /health, listeners; ":8000"
	Public     string `yaml:"public"`     // listeners only, for those who must not be sources; "" for none
	Admin      string `yaml:"admin"`      // operators; ":8001"
	Capacity   int    `yaml:"capacity"`   // sources at once; 20

	Window        time.Duration `yaml:"window"`         // how long a show waits for its broadcaster; 5m
	SyncInterval  time.Duration `yaml:"sync-interval"`  // no audio stays unsynced for longer, as long as the disk syncs all files in half of it; 1s
	SegmentLength time.Duration `yaml:"segment-length"` // a segment is complete after; 10m
	SegmentBytes  int64         `yaml:"segment-bytes"`  // … or when it is this large; 64 MiB
	IdleTimeout   time.Duration `yaml:"idle-timeout"`   // a source that sends nothing for this long is closed; 30s
	RequestIdle   time.Duration `yaml:"request-idle"`   // how long a connection stays open for another request; 2m
	DiskInterval  time.Duration `yaml:"disk-interval"`  // between two checks of the disk; 5s
	SweepInterval time.Duration `yaml:"sweep-interval"` // between two rounds that finish shows whose window has passed; 5s
	Remember      time.Duration `yaml:"remember"`       // how long the highest epoch of a finished show's mount is known; 24h
	DrainTimeout  time.Duration `yaml:"drain-timeout"`  // SIGTERM waits this long for shows to end; 6h
	Batch         time.Duration `yaml:"batch"`          // a source is read at most this often: what waits is lost when the process dies; 0: as bytes come

	HeadTimeout      time.Duration `yaml:"head-timeout"`      // until a request's head is complete; 15s
	AnswerTimeout    time.Duration `yaml:"answer-timeout"`    // for a peer to take an answer; 5s
	LingerTimeout    time.Duration `yaml:"linger-timeout"`    // for a refused peer to stop sending; 1s
	TakeoverDeadline time.Duration `yaml:"takeover-deadline"` // until the source before has written its end; 800ms
	TakeoverGrace    time.Duration `yaml:"takeover-grace"`    // how long a source that has to go is still read; 20ms
	DiskDeadline     time.Duration `yaml:"disk-deadline"`     // a check of the disk that takes longer means failing; 2s

	ListenerBatch   time.Duration `yaml:"listener-batch"`   // how long audio waits so that listeners get more of it at once; 200ms
	ListenerTimeout time.Duration `yaml:"listener-timeout"` // for a listener to take what he is sent; 30s

	Store        string `yaml:"store"`           // where finished shows go: the URL of an S3 store, or a directory on this disk; "" for nowhere
	StoreBucket  string `yaml:"store-bucket"`    // of an S3 store
	StoreRegion  string `yaml:"store-region"`    // us-east-1
	StoreKey     string `yaml:"store-key"`       // who signs
	StoreSecret  string `yaml:"store-secret"`    //
	StorePrefix  string `yaml:"store-prefix"`    // of all objects' names
	StoreWorkers int    `yaml:"store-workers"`   // sessions that are published at once; 2
	StorePart    int64  `yaml:"store-part"`      // bytes that are sent at once, and held for that; 5 MiB
	Peers        []Peer `yaml:"peers,omitempty"` // the other recorders

	Mail           string `yaml:"mail"`            // the relay that broadcasters are told through when their show is in the store, "host:port"; "" for not at all
	MailFrom       string `yaml:"mail-from"`       // notices@ the mail-domain
	MailDomain     string `yaml:"mail-domain"`     // of accounts that are no addresses
	NoticeTemplate string `yaml:"notice-template"` // of the mails, a text/template; its first line is "Subject: …"; default: one that is built in

	MailBackoff     time.Duration `yaml:"mail-backoff"`      // after a failure; it doubles each time, and half of it is drawn by lot; 5s
	MailBackoffMost time.Duration `yaml:"mail-backoff-most"` // up to this; 1m
	MailGiveUp      time.Duration `yaml:"mail-give-up"`      // how long a mail is tried; 120h
	MailDeadline    time.Duration `yaml:"mail-deadline"`     // for a step of the relay's; 30s

	PublishInterval    time.Duration `yaml:"publish-interval"`     // between two looks at a show that waits for others; 5s
	PublishBackoff     time.Duration `yaml:"publish-backoff"`      // after a failure; it doubles each time, and is drawn by lot; 1s
	PublishBackoffMost time.Duration `yaml:"publish-backoff-most"` // up to this; 30s
	PeerPatience       time.Duration `yaml:"peer-patience"`        // how long a show that is over waits for peers that do not answer; 1m
	Keep               time.Duration `yaml:"keep"`                 // how long a show stays here that the store has, while there is room; 24h
	StoreDeadline      time.Duration `yaml:"store-deadline"`       // of one request; 30s
	PeerDeadline       time.Duration `yaml:"peer-deadline"`        // for a peer to tell what it has; 2s
	FetchDeadline      time.Duration `yaml:"fetch-deadline"`       // for a segment of a peer's; 2m

	FullAt     float64 `yaml:"full-at"`      // share of the disk in use from which no new show is taken; 0.85
	HandOverAt float64 `yaml:"hand-over-at"` // share from which all shows have to go elsewhere; 0.95
	MaxConns   int     `yaml:"max-conns"`    // connections on Listen and on Public, each, without listeners; Capacity + 1024
	MaxMounts  int     `yaml:"max-mounts"`   // mounts known at once, finished ones included; 10000

	MaxListeners      int   `yaml:"max-listeners"`       // at once; 1000
	MaxMountListeners int   `yaml:"max-mount-listeners"` // of one mount; 500
	Burst             int64 `yaml:"burst"`               // bytes of the recording that a listener gets at once; 64 KiB
	Backlog           int64 `yaml:"backlog"`             // bytes that a listener may be behind before he is dropped; a mount with listeners keeps no more; 512 KiB
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
	return yaml.YAMLToJSON(data)
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

// WithDefaults fills in what is zero. Host is the name for a recorder without one.
func (c Config) WithDefaults(host string) Config {
	c.Name = cmp.Or(c.Name, host)
	c.Listen = cmp.Or(c.Listen, ":8000")
	c.Admin = cmp.Or(c.Admin, ":8001")
	c.Capacity = cmp.Or(c.Capacity, 20)
	c.Window = cmp.Or(c.Window, 5*time.Minute)
	c.SyncInterval = cmp.Or(c.SyncInterval, time.Second)
	c.SegmentLength = cmp.Or(c.SegmentLength, 10*time.Minute)
	c.SegmentBytes = cmp.Or(c.SegmentBytes, 64<<20)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 30*time.Second)
	c.RequestIdle = cmp.Or(c.RequestIdle, 2*time.Minute)
	c.DiskInterval = cmp.Or(c.DiskInterval, 5*time.Second)
	c.SweepInterval = cmp.Or(c.SweepInterval, 5*time.Second)
	c.Remember = cmp.Or(c.Remember, 24*time.Hour)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 6*time.Hour)
	c.HeadTimeout = cmp.Or(c.HeadTimeout, 15*time.Second)
	c.AnswerTimeout = cmp.Or(c.AnswerTimeout, 5*time.Second)
	c.LingerTimeout = cmp.Or(c.LingerTimeout, time.Second)
	c.TakeoverDeadline = cmp.Or(c.TakeoverDeadline, 800*time.Millisecond)
	c.TakeoverGrace = cmp.Or(c.TakeoverGrace, 20*time.Millisecond)
	c.DiskDeadline = cmp.Or(c.DiskDeadline, 2*time.Second)
	c.StoreWorkers = cmp.Or(c.StoreWorkers, 2)
	c.StorePart = cmp.Or(c.StorePart, 5<<20)
	c.PublishInterval = cmp.Or(c.PublishInterval, 5*time.Second)
	c.PublishBackoff = cmp.Or(c.PublishBackoff, time.Second)
	c.PublishBackoffMost = cmp.Or(c.PublishBackoffMost, 30*time.Second)
	c.PeerPatience = cmp.Or(c.PeerPatience, time.Minute)
	c.Keep = cmp.Or(c.Keep, 24*time.Hour)
	c.StoreDeadline = cmp.Or(c.StoreDeadline, 30*time.Second)
	c.PeerDeadline = cmp.Or(c.PeerDeadline, 2*time.Second)
	c.FetchDeadline = cmp.Or(c.FetchDeadline, 2*time.Minute)
	if c.Mail != "" {
		c.MailFrom = cmp.Or(c.MailFrom, "notices@"+c.MailDomain)
	}
	c.MailBackoff = cmp.Or(c.MailBackoff, 5*time.Second)
	c.MailBackoffMost = cmp.Or(c.MailBackoffMost, time.Minute)
	c.MailGiveUp = cmp.Or(c.MailGiveUp, 5*24*time.Hour) // RFC 5321, 4.5.4.1: at least four or five days
	c.MailDeadline = cmp.Or(c.MailDeadline, 30*time.Second)
	c.FullAt = cmp.Or(c.FullAt, 0.85)
	c.HandOverAt = cmp.Or(c.HandOverAt, 0.95)
	c.MaxConns = cmp.Or(c.MaxConns, c.Capacity+1024)
	c.MaxMounts = cmp.Or(c.MaxMounts, 10_000)
	c.ListenerBatch = cmp.Or(c.ListenerBatch, 200*time.Millisecond)
	c.ListenerTimeout = cmp.Or(c.ListenerTimeout, 30*time.Second)
	c.MaxListeners = cmp.Or(c.MaxListeners, 1000)
	c.MaxMountListeners = cmp.Or(c.MaxMountListeners, 500)
	c.Burst = cmp.Or(c.Burst, 64<<10)
	c.Backlog = cmp.Or(c.Backlog, 512<<10)
	return c
}

// validate checks a configuration with its defaults.
func (c Config) validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{
		"window": c.Window, "sync-interval": c.SyncInterval, "segment-length": c.SegmentLength,
		"idle-timeout": c.IdleTimeout, "request-idle": c.RequestIdle, "disk-interval": c.DiskInterval,
		"sweep-interval": c.SweepInterval, "remember": c.Remember, "drain-timeout": c.DrainTimeout,
		"head-timeout": c.HeadTimeout, "answer-timeout": c.AnswerTimeout, "linger-timeout": c.LingerTimeout,
		"takeover-deadline": c.TakeoverDeadline, "takeover-grace": c.TakeoverGrace, "disk-deadline": c.DiskDeadline,
		"listener-batch": c.ListenerBatch, "listener-timeout": c.ListenerTimeout,
		"publish-interval": c.PublishInterval, "publish-backoff": c.PublishBackoff, "publish-backoff-most": c.PublishBackoffMost,
		"peer-patience": c.PeerPatience, "keep": c.Keep, "store-deadline": c.StoreDeadline,
		"mail-backoff": c.MailBackoff, "mail-backoff-most": c.MailBackoffMost, "mail-give-up": c.MailGiveUp, "mail-deadline": c.MailDeadline,
		"peer-deadline": c.PeerDeadline, "fetch-deadline": c.FetchDeadline,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: it must be positive, got %v", name, d))
		}
	}
	for name, n := range map[string]int64{
		"capacity": int64(c.Capacity), "segment-bytes": c.SegmentBytes,
		"max-conns": int64(c.MaxConns), "max-mounts": int64(c.MaxMounts),
		"max-listeners": int64(c.MaxListeners), "max-mount-listeners": int64(c.MaxMountListeners),
		"burst": c.Burst, "backlog": c.Backlog, "store-workers": int64(c.StoreWorkers),
	} {
		if n <= 0 {
			errs = append(errs, fmt.Errorf("%s: it must be positive, got %d", name, n))
		}
	}
	if c.Batch < 0 || c.Batch > maxBatch {
		errs = append(errs, fmt.Errorf("batch: it must be from 0 to %v, got %v", maxBatch, c.Batch))
	}
	errs = append(errs, c.validateStore(), c.validateMail())
	if c.Name == "" {
		errs = append(errs, errors.New("name: give the recorder one"))
	}
	if c.FullAt <= 0 || c.FullAt > c.HandOverAt || c.HandOverAt > 1 {
		errs = append(errs, fmt.Errorf("full-at, hand-over-at: it must be 0 < full-at ≤ hand-over-at ≤ 1, got %v and %v", c.FullAt, c.HandOverAt))
	}
	if c.MaxConns < c.Capacity || c.MaxMounts < c.Capacity {
		errs = append(errs, fmt.Errorf("max-conns, max-mounts: they must not be below capacity (%d), got %d and %d", c.Capacity, c.MaxConns, c.MaxMounts))
	}
	return errors.Join(errs...)
}
