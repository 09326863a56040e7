package balancer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"deadair/balancer/account"
	"deadair/balancer/env/envtest"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

func example(t *testing.T) Config {
	data, err := os.ReadFile(filepath.Join("testdata", "balancer.yaml"))
	require.NoError(t, err)
	c, err := ParseConfig(data)
	require.NoError(t, err)
	return c
}

func TestParseConfig(t *testing.T) {
	c := example(t)
	require.Equal(t, "eu-west/balancer-1", c.Name)
	require.Equal(t, 90*time.Second, c.RenewInterval)
	require.Equal(t, 10*time.Minute, c.Window)
	require.Equal(t, map[string]string{"anna": "secret"}, c.Accounts)
	require.Equal(t, fleet.Recorder{Name: "eu-west/recorder-1", Datacenter: "eu-west", Addr: "10.0.1.1:8000", Admin: "10.0.1.1:8001"}, c.Recorders[0])
	require.NoError(t, c.WithDefaults("host").validate())
}

func TestConfigGoesThroughJSONAndBack(t *testing.T) {
	for name, c := range map[string]Config{
		"example":       example(t),
		"with defaults": example(t).WithDefaults("host"),
		"empty":         {},
		"odd": {Batch: -time.Second, HoldPut: 1500 * time.Microsecond, Window: 91 * 24 * time.Hour,
			Accounts: map[string]string{"a: b": "\"\\\n\t'#", "ü": "yes", "n": "null", "num": "012"}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(c)
			require.NoError(t, err)
			require.True(t, json.Valid(data))
			var again Config
			require.NoError(t, json.Unmarshal(data, &again))
			twice, err := json.Marshal(again)
			require.NoError(t, err)
			require.Equal(t, string(data), string(twice))
			if c.Accounts != nil {
				require.Equal(t, c.Accounts, again.Accounts)
			}
			require.Equal(t, c.Window, again.Window)
			require.Len(t, again.Recorders, len(c.Recorders))
			inside, err := json.Marshal(map[string]Config{"config": c})
			require.NoError(t, err)
			var wrapped map[string]Config
			require.NoError(t, json.Unmarshal(inside, &wrapped))
			require.Equal(t, again, wrapped["config"])
		})
	}
}

func TestConfigTakesPlainJSON(t *testing.T) {
	c, err := ParseConfig([]byte(`{"window":"2m30s","redis":"10.0.0.1:6379","max-sources":5,"recorders":[{"name":"r","addr":"10.0.0.2:8000"}]}`))
	require.NoError(t, err)
	require.Equal(t, 150*time.Second, c.Window)
	require.Equal(t, 5, c.MaxSources)
	require.Equal(t, "r", c.Recorders[0].Name)
}

func TestParseConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"unknown field":  {"name: x\nwindw: 5m\n", "windw"},
		"bad duration":   {"window: 5 minutes\n", "unknown unit"},
		"bare number":    {"window: 300\n", "Duration"},
		"list for a map": {"accounts: [a, b]\n", "accounts"},
		"no yaml":        {"name: [\n", "sequence"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseConfig([]byte(c.text))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"window below the failover bound": {func(c *Config) { c.Window, c.RenewInterval = time.Minute, 30*time.Second },
			"window: 1m0s is shorter than this configuration's own failover: renew-interval 30s + check-threshold 3 × check-interval 10s + dns-ttl 10s = 1m10s"},
		"slow dns":        {func(c *Config) { c.DNSTTL = 10 * time.Minute }, "dns-ttl 10m0s"},
		"slow checks":     {func(c *Config) { c.CheckInterval, c.CheckThreshold = 30*time.Second, 20 }, "check-threshold 20 × check-interval 30s"},
		"no recorders":    {func(c *Config) { c.Recorders = nil }, "recorders: give at least one"},
		"nameless":        {func(c *Config) { c.Recorders[0].Name = "" }, "recorders[0]: give it a name"},
		"same name twice": {func(c *Config) { c.Recorders[1].Name = c.Recorders[0].Name }, "recorders[1]: there is already one"},
		"peer without":    {func(c *Config) { c.Peers = []fleet.Peer{{Name: "x"}} }, "peers[0]: give it an addr"},
		"no redis":        {func(c *Config) { c.Redis = "" }, "redis: give"},
		"two indexes":     {func(c *Config) { c.RedisCluster = []string{"10.0.0.9:6379"} }, "redis-cluster: its servers tell where the index is; remove redis"},
		"negative":        {func(c *Config) { c.HoldPut = -1 }, "hold-put: -1ns is negative"},
		"negative limit":  {func(c *Config) { c.MaxPending = -1 }, "max-pending: -1 is negative"},
		"endless batches": {func(c *Config) { c.Batch = 10 * time.Minute }, "batch: 10m0s is more than 500ms"},
		"portless":        {func(c *Config) { c.Recorders[1].Addr = "10.0.0.1" }, `recorders[1]: "10.0.0.1" is no "ip:port"`},
		"no such port":    {func(c *Config) { c.Recorders[1].Addr = "10.0.0.1:70000" }, `recorders[1]: "10.0.0.1:70000" is no "ip:port"`},
		"nobody's admin":  {func(c *Config) { c.Recorders[0].Admin = ":8001" }, `recorders[0]: ":8001" is no "ip:port"`},
		"portless peer":   {func(c *Config) { c.Peers[0].Addr = "x" }, `peers[0]: "x" is no "ip:port"`},
		"bare ipv6":       {func(c *Config) { c.Redis = "::1" }, `redis: "::1" is no "ip:port"`},
		"bare sentinel":   {func(c *Config) { c.Redis, c.RedisSentinels, c.RedisMaster = "", []string{"10.0.0.1"}, "x" }, `redis-sentinels: "10.0.0.1" is no "ip:port"`},
		"bare node":       {func(c *Config) { c.Redis, c.RedisCluster = "", []string{"10.0.0.9:6379", ""} }, `redis-cluster: "" is no "ip:port"`},
		"peer's admin":    {func(c *Config) { c.Peers[0].Admin = "8001" }, `peers[0]: "8001" is no "ip:port"`},
		"nobody may send": {func(c *Config) { c.Accounts = nil }, "accounts: nobody may send"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := example(t)
			c.change(&cfg)
			_, err := New(cfg, new(envtest.Net).Env("host", "10.0.0.1", nil), Parts{})
			require.ErrorContains(t, err, c.says)
		})
	}
}

// All that must not be negative is checked: a field that is added is not forgotten.
func TestEveryDurationAndLimitIsValidated(t *testing.T) {
	c := example(t).WithDefaults("host")
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !v.Field(i).CanInt() || f.Name == "Batch" {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			require.Positive(t, v.Field(i).Int(), "it has a default")
			before := v.Field(i).Int()
			v.Field(i).SetInt(-1)
			require.ErrorContains(t, c.validateTimes(), f.Tag.Get("yaml")+": ")
			v.Field(i).SetInt(before)
		})
	}
}

func TestShoutcastDefaultsToTheNextPort(t *testing.T) {
	for name, c := range map[string]struct {
		given Config
		want  string
	}{
		"default":     {Config{}, ":8001"},
		"an address":  {Config{Listen: "10.0.0.1:9000"}, "10.0.0.1:9001"},
		"ipv6":        {Config{Listen: "[::1]:9000"}, "[::1]:9001"},
		"any port":    {Config{Listen: "127.0.0.1:0"}, "none"},
		"the last":    {Config{Listen: ":65535"}, "none"},
		"no port":     {Config{Listen: "x"}, "none"},
		"admin's":     {Config{Listen: ":8000", Admin: ":8001"}, "none"},
		"another one": {Config{Shoutcast: ":7000"}, ":7000"},
		"none":        {Config{Shoutcast: "none"}, "none"},
	} {
		require.Equal(t, c.want, c.given.WithDefaults("").Shoutcast, name)
	}
}

func TestAccessThatMakesNoSense(t *testing.T) {
	for says, c := range map[string]Config{
		"tls: give both":                  {TLS: TLSConfig{Certificate: "chain.pem"}},
		"auth: url must be":               {Auth: account.ServiceConfig{URL: "nowhere"}},
		"auth: the service knows all":     {Auth: account.ServiceConfig{URL: "http://x"}, AccountsFile: "x"},
		"admin: :7000 is the port for":    {Shoutcast: ":7000", Admin: ":7000"},
		"shoutcast-mount: mount invalid:": {ShoutcastMount: "{user}"},
	} {
		require.ErrorContains(t, c.WithDefaults("").validateAccess(), says)
	}
	require.NoError(t, Config{AccountsFile: "x"}.WithDefaults("").validateAccess())
}

func TestNearDefaultsToHomeFirst(t *testing.T) {
	c := Config{Datacenter: "b", Recorders: []fleet.Recorder{{Datacenter: "c"}, {Datacenter: "b"}, {Datacenter: "a"}, {Datacenter: "c"}}}
	require.Equal(t, []string{"b", "a", "c"}, c.WithDefaults("").Near)
}

// What was read can be written and read again.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("window: 5m\naccounts: {a: b}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(c)
		require.NoError(t, err)
		var again Config
		require.NoError(t, json.Unmarshal(text, &again), "%s", text)
		require.Equal(t, c.Window, again.Window)
		require.Equal(t, c.MaxSources, again.MaxSources)
	})
}

func FuzzSong(f *testing.F) {
	f.Add("mount=/show&song=Caf%E9")
	f.Add("song=A;B&artist=100%&charset=utf-8")
	f.Fuzz(func(t *testing.T, text string) {
		song := request{query: icecast.ParseQuery(text)}.song()
		require.True(t, utf8.ValidString(song))
		require.LessOrEqual(t, len(song), maxTitle)
	})
}
