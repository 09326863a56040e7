package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// minimal is a valid file; tests append to it or change a word.
const minimal = `schema: 1
title: A title
broadcasters:
  - {name: rome, from: Rome, count: 2, persona: butt}
`

func TestParseAcceptsTheShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range append(files, "testdata/flood.yaml") {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		_, err = Parse(name, data)
		require.NoError(t, err)
	}
}

func TestParseNamesThePlaceAndTheRemedy(t *testing.T) {
	in := func(tail string) string { return minimal + tail }
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":            {in("cutquiet: true\n"), `x.yaml:5:1: unknown key "cutquiet" (did you mean "cut-quiet"?)`},
		"unknown key, deep":      {in("system: {dns: {tll: 10s}}\n"), `x.yaml:5:16: unknown key "tll" (did you mean "ttl"?)`},
		"unit":                   {in("ends: 10min\n"), `x.yaml:5:7: "10min" is no length of time: write it as 90s, 10m or 6h30m (did you mean "10m"?)`},
		"no unit":                {in("ends: 600\n"), `x.yaml:5:7: "600" is no length of time: write it as 90s, 10m or 6h30m`},
		"negative":               {in("ends: -5m\n"), `x.yaml:5:7: "-5m" is out of range: 0s to 2400h`},
		"clock without zone":     {in("date: 2014-10-02\nstarts: 18:30\n"), `x.yaml:6:9: "18:30" is no clock time: write it as 18:40Z or 18:40:30Z (UTC)`},
		"clock without date":     {in("timeline: [{at: 18:40Z, kill: redis}]\n"), `x.yaml:5:17: a clock time needs "date" and "starts" at the top of the file; an offset such as 10m does not`},
		"starts without date":    {in("starts: 18:30Z\n"), `x.yaml:5:9: starts without "date" tells no day: add date: YYYY-MM-DD`},
		"day":                    {in("date: 2.10.2014\n"), `x.yaml:5:7: "2.10.2014" is no day: write it as 2014-10-02`},
		"a clock that is both":   {in("timeline: [{at: 1m, skew: {of: redis, ahead: 1s, behind: 2s}}]\n"), `x.yaml:5:21: a clock is either "ahead" or "behind": write one of them`},
		"a clock that is right":  {in("timeline: [{at: 1m, skew: {of: redis}}]\n"), `x.yaml:5:21: a clock is either "ahead" or "behind": write one of them`},
		"a resolver nowhere":     {strings.Replace(minimal, "from: Rome", "from: Rome, resolver-in: Rom", 1), `x.yaml:4:43: unknown place "Rom" (did you mean "Rome"?)`},
		"a subnet":               {strings.Replace(minimal, "from: Rome", "from: Rome, client-subnet: hiden", 1), `x.yaml:4:45: unknown word "hiden" (did you mean "hidden"?)`},
		"far apart":              {strings.Replace(minimal, "from: Rome", "from: Rome, apart: 2m", 1), `x.yaml:4:5: apart is 2m0s: up to 1m, or say with "lasts" how long a show is`},
		"no length":              {strings.Replace(minimal, "from: Rome", "from: Rome, lasts: 0s", 1), `x.yaml:4:5: lasts is 0s: leave it out, or say how long`},
		"every, for no time":     {in("timeline: [{at: 1m, kill: redis, every: 5m}]\n"), `x.yaml:5:21: "every" needs "for": say how long kill lasts each time`},
		"every, before it ends":  {in("timeline: [{at: 1m, kill: redis, for: 5m, every: 5m}]\n"), `x.yaml:5:21: "for" is 5m0s and "every" is 5m0s: it would begin again before it is over`},
		"every, too often":       {in("timeline: [{at: 1m, restart: redis, every: 10ms}]\n"), `x.yaml:5:21: "every" is 10ms: from 1s`},
		"every, and it stays":    {in("timeline: [{at: 1m, kill: redis, stays: true, every: 5m}]\n"), `x.yaml:5:21: "every" begins again what "stays" never ends: leave one out`},
		"every, without an end":  {in("timeline: [{at: 1m, restart: redis, every: 5m}]\n"), `x.yaml:5:21: "every" needs "ends" at the top of the file`},
		"place":                  {strings.Replace(minimal, "Rome", "Rom", 1), `x.yaml:4:24: unknown place "Rom" (did you mean "Rome"?)`},
		"persona":                {strings.Replace(minimal, "butt", "but", 1), `x.yaml:4:49: unknown persona "but" (did you mean "butt"?)`},
		"too many broadcasters":  {strings.Replace(minimal, "count: 2", "count: 5001", 1), `x.yaml:4:5: count is 5001: from 1 to 5000`},
		"fault":                  {in("timeline: [{at: 1m, kil: redis}]\n"), `x.yaml:5:21: unknown key or fault "kil" (did you mean "kill"?)`},
		"two faults":             {in("timeline: [{at: 1m, kill: redis, pause: redis}]\n"), `x.yaml:5:34: "pause" is a second fault in one step (after "kill"): make it a step of its own`},
		"no fault":               {in("timeline: [{at: 1m}]\n"), `x.yaml:5:12: the step does nothing: name a fault`},
		"no at":                  {in("timeline: [{kill: redis}]\n"), `x.yaml:5:12: "at" is missing: say when the step happens`},
		"node":                   {in("timeline: [{at: 1m, kill: us-east/balancer-3}]\n"), `x.yaml:5:27: unknown name "us-east/balancer-3" (did you mean "us-east/balancer-1"?)`},
		"glob":                   {in("timeline: [{at: 1m, kill: eu-west/blancer-*}]\n"), `x.yaml:5:27: "eu-west/blancer-*" matches nothing here`},
		"all but nearly all":     {in("timeline: [{at: 1m, kill: '*'}]\n"), `x.yaml:5:27: "*" does not reach beyond a slash and leaves out nodes of datacenters such as eu-west/balancer-1: write "*/*" for those, and name others beside it`},
		"those numbered 1":       {in("system: {redis-replica: eu-west}\ntimeline: [{at: 1m, kill: '*-1'}]\n"), `x.yaml:6:27: "*-1" does not reach beyond a slash and leaves out nodes of datacenters such as eu-west/balancer-1: write "*/*-1"`},
		"all of a datacenter":    {in("timeline: [{at: 1m, cut: {from: 'us-*', to: redis}}]\n"), `x.yaml:5:33: "us-*" does not reach beyond a slash and leaves out nodes of datacenters such as us-east/balancer-1: write "us-*/*"`},
		"group":                  {in("timeline: [{at: 1m, drop: {broadcasters: roma}}]\n"), `x.yaml:5:42: unknown group "roma" (did you mean "rome"?)`},
		"share":                  {in("timeline: [{at: 1m, drop: {broadcasters: rome, share: 0.5}}]\n"), `x.yaml:5:55: "0.5" is no share: write it as 50%, from 1% to 100%`},
		"store nowhere":          {in("system: {store: {in: us-esat}}\n"), `x.yaml:5:22: unknown datacenter "us-esat" (did you mean "us-east"?)`},
		"store without place":    {in("system: {store: {}}\n"), `x.yaml:5:17: "in" is missing: the datacenter that it stands in`},
		"no store":               {in("timeline: [{at: 1m, kill: store}]\n"), `x.yaml:5:27: unknown name "store"`},
		"drain redis":            {in("timeline: [{at: 1m, drain: redis}]\n"), `x.yaml:5:28: unknown name "redis"`},
		"answer of redis":        {in("timeline: [{at: 1m, redis: readnly}]\n"), `x.yaml:5:28: Redis has no answer "readnly" (did you mean "readonly"?)`},
		"no answer of redis":     {in("timeline: [{at: 1m, redis: ''}]\n"), `x.yaml:5:28: Redis has no answer ""`},
		"for on an instant":      {in("timeline: [{at: 1m, restart: redis, for: 1m}]\n"), `x.yaml:5:21: restart is over at once and takes no "for"`},
		"for and stays":          {in("timeline: [{at: 1m, kill: redis, for: 1m, stays: true}]\n"), `x.yaml:5:21: "for" ends the fault and "stays" keeps it: leave one out`},
		"before the run":         {in("date: 2014-10-02\nstarts: 18:30Z\ntimeline: [{at: 18:20Z, kill: redis, for: 2m}, {at: 18:40Z, restart: redis}]\n"), `x.yaml:7:17: the step is before "starts": put it after, or if the next day is meant say at the top of the file when the run "ends"`},
		"ends before it starts":  {in("date: 2014-10-02\nstarts: 18:30Z\nends: 18:00Z\n"), `x.yaml:7:7: "ends" is before "starts", and would be the next day's, 23h29m50s after the last step: put it right, or if that is meant write ends: 23h30m0s`},
		"past the end":           {in("timeline: [{at: 1m, kill: redis, for: 2m}]\nends: 2m\n"), `x.yaml:5:12: the step lasts until 3m0s, and the run ends at 2m0s`},
		"out of order":           {in("timeline: [{at: 2m, restart: redis}, {at: 1m, restart: redis}]\nends: 5m\n"), `x.yaml:5:38: the step is at 1m0s of the run and stands after one at 2m0s: put them in order, and none before "starts"`},
		"restarted meanwhile":    {in("timeline: [{at: 1m, pause: redis}, {at: 3m, restart: redis}]\nends: 5m\n"), `x.yaml:5:1: pause of redis has no end, and line 5 has restart of redis at 3m0s; that would end it: give it "for: 2m0s"`},
		"delay without delay":    {in("timeline: [{at: 1m, delay: {from: rome, to: eu-west}}]\n"), `x.yaml:5:21: delay needs "delay"`},
		"limit of another fault": {in("timeline: [{at: 1m, stall: {from: rome, to: eu-west, rate: 2k}}]\n"), `x.yaml:5:21: stall does not take "rate"`},
		"rate":                   {in("timeline: [{at: 1m, throttle: {from: rome, to: eu-west, rate: 5kbps}}]\n"), `x.yaml:5:63: "5kbps" is no rate: bytes per second, such as 500 or 2k`},
		"setting without unit":   {in("system: {recorder: {sync-interval: 5}}\n"), `x.yaml:5:21: sync-interval: "5" is no length of time: write it as 90s, 10m or 6h30m`},
		"connections":            {in("timeline: [{at: 1m, stall: {from: rome, to: eu-west, connections: old}}]\n"), `x.yaml:5:67: unknown word "old"`},
		"cut what is to come":    {in("timeline: [{at: 1m, cut: {from: rome, to: eu-west, connections: new}}]\n"), `x.yaml:5:65: cut resets connections that exist: leave "connections" out, or refuse new ones`},
		"refuse what is there":   {in("timeline: [{at: 1m, refuse: {from: rome, to: eu-west, connections: existing}}]\n"), `x.yaml:5:68: refuse is about new connections: leave "connections" out, or cut those that exist`},
		"refuse one way":         {in("timeline: [{at: 1m, refuse: {from: rome, to: eu-west, direction: back}}]\n"), `x.yaml:5:66: refuse goes both ways: leave "direction" out`},
		"no ends of a link":      {in("timeline: [{at: 1m, stall: {from: rome}}]\n"), `x.yaml:5:28: "to" is missing: who is dialled`},
		"property":               {in("expect: [dead-aire]\n"), `x.yaml:5:10: unknown property "dead-aire" (did you mean "dead-air"?)`},
		"property without limit": {in("expect: [health-honest]\n"), `x.yaml:5:10: health-honest needs "within"`},
		"no time at all":         {in("expect: [{pool-converges: {within: 0s}}]\n"), `x.yaml:5:11: "within" is 0s, which nothing keeps: say how long, or leave it out for what the plan makes unavoidable`},
		"no time for recovery":   {in("expect: [{recovered-within: {within: 0m}}]\n"), `x.yaml:5:11: "within" is 0s, which nothing keeps: say how long`},
		"limit not taken":        {in("expect: [{single-writer: {within: 1m}}]\n"), `x.yaml:5:27: single-writer does not take "within"`},
		"bound":                  {in("expect: [{dead-air: {at-most: bond}}]\n"), `x.yaml:5:31: "bond" is no length of time: write it as 90s, 10m or 6h30m, or bound`},
		"group of a property":    {in("expect: [{untouched: {broadcasters: europe}}]\n"), `x.yaml:5:37: unknown group "europe" (known: rome)`},
		"nobody judges":          {in("expect: [dead-air]\nvariants: {bad: {verdict: {fail: [untouched]}}}\n"), `x.yaml:6:35: untouched must fail but is not under expect, so nobody judges it`},
		"verdict":                {in("variants: {a: {verdict: passes}}\n"), `x.yaml:5:25: a verdict is pass, or {fail: [property, …]}, not "passes"`},
		"no verdict":             {in("variants: {a: {mutant: b}}\n"), `x.yaml:5:15: "verdict" is missing`},
		"world":                  {in("variants: {a: {worlds: [virtal], because: x, verdict: pass}}\n"), `x.yaml:5:25: unknown word "virtal" (did you mean "virtual"?)`},
		"world without reason":   {in("variants: {a: {worlds: [virtual], verdict: pass}}\n"), `x.yaml:5:25: "worlds" needs "because"`},
		"default nowhere":        {in("variants: {a: {by-default: loopbak, verdict: pass}}\n"), `x.yaml:5:28: unknown word "loopbak" (did you mean "loopback"?)`},
		"default without it":     {in("variants: {a: {by-default: loopback, verdict: pass}}\n"), `x.yaml:5:28: "by-default" leaves virtual time out: name virtual too, or say none`},
		"default elsewhere":      {in("variants: {a: {worlds: [virtual], because: x, by-default: [virtual, loopback], verdict: pass}}\n"), `x.yaml:5:69: a does not run in loopback: x`},
		"default of a mutant":    {in("expect: [dead-air]\nvariants: {a: {mutant: b, by-default: [virtual, loopback], verdict: {fail: [dead-air]}}}\n"), `a does not run in loopback: a planted defect`},
		"none and some":          {in("variants: {a: {by-default: [virtual, none], verdict: pass}}\n"), `x.yaml:5:38: unknown word "none"`},
		"resolver":               {in("resolvers: onest\n"), `x.yaml:5:12: unknown resolver "onest" (did you mean "honest"?)`},
		"group of a resolver":    {in("resolvers: {roma: pinned}\n"), `x.yaml:5:13: unknown group "roma" (did you mean "rome"?)`},
		"preset":                 {in("system: {preset: three-datacentres}\n"), `x.yaml:5:18: unknown preset "three-datacentres" (did you mean "three-datacenters"?)`},
		"count of nodes":         {in("system: {balancers: 17}\n"), `x.yaml:5:9: balancers is 17: from 1 to 16`},
		"a way from nowhere":     {in("system: {dns: {latency: [{from: Rom, to: us-east, is: 20ms}]}}\n"), `x.yaml:5:33: unknown place "Rom" (did you mean "Rome"?)`},
		"a way to nowhere":       {in("system: {dns: {latency: [{from: Rome, to: us-eats, is: 20ms}]}}\n"), `x.yaml:5:43: unknown datacenter "us-eats" (did you mean "us-east"?)`},
		"a way without end":      {in("system: {dns: {latency: [{from: Rome, to: us-east, is: 1m}]}}\n"), `x.yaml:5:33: the round trip is 1m0s: up to 10s`},
		"part of a second":       {in("system: {dns: {ttl: 1500ms}}\n"), `x.yaml:5:15: ttl is 1.5s: whole seconds from 1s to 24h`},
		"redis nowhere":          {in("system: {redis: us-eats}\n"), `x.yaml:5:17: unknown datacenter "us-eats" (did you mean "us-east"?)`},
		"replica nowhere":        {in("system: {redis-replica: us-eats}\n"), `x.yaml:5:25: unknown datacenter "us-eats" (did you mean "us-east"?)`},
		"sentinels of 2014":      {in("system: {redis-replica: us-east}\nvariants: {a: {legacy: [redis-client], verdict: pass}}\n"), `x.yaml:5:25: redis-client of 2014 knows no sentinels`},
		"setting of timing":      {in("system: {balancer: {window: soon}}\n"), `x.yaml:5:21: window: "soon" is no length of time`},
		"octal":                  {strings.Replace(minimal, "count: 2", "count: 010", 1), `x.yaml:4:37: "010" begins with 0 and would be read as 8: write the number without`},
		"octal setting":          {in("system: {balancer: {max-sources: 0x10}}\n"), `"0x10" begins with 0 and would be read as 16`},
		"wrong type":             {in("cut-quiet: 3\n"), `x.yaml:5:12: "3" is neither true nor false`},
		"list for mapping":       {in("system: [a]\n"), `x.yaml:5:9: a list stands where keys and values belong`},
		"word for list":          {in("timeline: kill\n"), `x.yaml:5:11: "kill" stands where a list belongs`},
		"empty value":            {in("story:\n"), `x.yaml:5:1: "story" has no value: leave the key out`},
		"anchor":                 {in("story: &a text\n"), `x.yaml:5:8: an anchor, alias or tag (not used in scenarios) stands where one word or text belongs`},
		"schema":                 {strings.Replace(minimal, "1", "2", 1), `x.yaml:1:1: schema 2 is not known: this version reads schema 1`},
		"key twice":              {in("title: again\n"), `x.yaml:5:1: mapping key "title" already defined at [2:1]`},
		"no YAML":                {"a: [1,\n", `x.yaml:1:4: sequence end token ']' not found`},
		"nothing":                {"# only a comment\n", `x.yaml:1:1: the file holds 0 documents`},
		"two documents":          {minimal + "---\n" + minimal, `x.yaml:1:1: the file holds 2 documents`},
		"deep":                   {"a: " + strings.Repeat("[", 40), `x.yaml:1:1: brackets are nested more than 32 deep (line 1)`},
		"long line":              {"a: " + strings.Repeat("x", 5000), `x.yaml:1:4096: the line has 5003 bytes, more than 4096`},
		"large":                  {strings.Repeat("# x\n", 70_000), `x.yaml:1:1: the file has more than 262144 bytes: a scenario is some pages of text`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
			var bad *Invalid
			require.ErrorAs(t, err, &bad)
			require.Len(t, bad.Problems, 1, "%v", err)
		})
	}
}

func TestParseTellsAllProblemsInTheFilesOrder(t *testing.T) {
	_, err := Parse("dir/x.yaml", []byte(`schema: 1
titel: A title
broadcasters:
  - {name: rome, from: Room, count: 2, persona: butt}
timeline:
  - {at: 1 m, kill: redis}
`))
	require.EqualError(t, err, `dir/x.yaml:1:1: "title" is missing: one line that says what happens
dir/x.yaml:2:1: unknown key "titel" (did you mean "title"?)
dir/x.yaml:4:24: unknown place "Room" (did you mean "Rome"?)
dir/x.yaml:6:10: "1 m" is no length of time: write it as 90s, 10m or 6h30m (did you mean "1m"?)`)
}

func TestParseStopsCountingProblems(t *testing.T) {
	text := minimal
	for i := range 60 {
		text += strings.Repeat("x", i+1) + ": 1\n"
	}
	_, err := Parse("x.yaml", []byte(text))
	var bad *Invalid
	require.ErrorAs(t, err, &bad)
	require.Len(t, bad.Problems, maxProblems+1)
	require.Equal(t, "and 10 problems more", bad.Problems[maxProblems].Message)
}

func TestParseRefusesANameThatIsAGroupAndADatacenter(t *testing.T) {
	text := strings.Replace(minimal, "name: rome", "name: us-east", 1)
	_, err := Parse("x.yaml", []byte(text+"timeline: [{at: 1m, cut: {from: us-east, to: redis}}]\n"))
	require.ErrorContains(t, err, `"us-east" is both a datacenter and a group: write us-east/* or us-east-*`)
	_, err = Parse("x.yaml", []byte(text+"timeline: [{at: 1m, kill: us-east}, {at: 2m, drop: {broadcasters: us-east}}]\n"))
	require.NoError(t, err)
}

// TestClockTimesOfTheNextDay: a run over midnight says when it ends.
func TestClockTimesOfTheNextDay(t *testing.T) {
	for _, tail := range []string{"starts: 23:30Z\nends: 00:30Z\ntimeline: [{at: 23:50Z, kill: redis, for: 30m}, {at: 00:25Z, restart: redis}]\n", "starts: 18:30Z\nends: 23h30m\n", "starts: 09:50Z\nends: 06:05Z\ntimeline: [{at: 10:00Z, kill: redis, for: 20h}]\n"} {
		_, err := Parse("x.yaml", []byte(minimal+"date: 2014-10-02\n"+tail))
		require.NoError(t, err)
	}
}

// TestGlobsThatLeaveNobodyOut: those that are about hosts without a slash, or reach beyond it.
func TestGlobsThatLeaveNobodyOut(t *testing.T) {
	for _, who := range []string{"'*/*'", "'rome-*'", "'checker-0?'", "'checker-*'", "['*/balancer-*', 'redis*']"} {
		_, err := Parse("x.yaml", []byte(minimal+"timeline: [{at: 1m, cut: {from: "+who+", to: dns}}]\n"))
		require.NoError(t, err, who)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("../../scenarios/*.yaml")
	for _, name := range append(files, "testdata/flood.yaml") {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte("a: {b: [c, {d: &e f, g: *e, <<: {}}]}\n? x\n: y\n--- |\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f.yaml", data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for _, v := range file.VariantNames() {
			if _, ok := file.RunsIn(v, "virtual"); ok {
				_, err := Expand(file, v, "virtual", 1, 1)
				require.NoError(t, err)
			}
		}
	})
}
