package scenario

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Expand makes every choice of one variant for one world. The same arguments
// give the same plan. speed is incident seconds per second of the world's clock;
// in virtual it is 1 whatever is asked.
func Expand(f *File, variant, world string, seed uint64, speed float64) (*Plan, error) {
	i := slices.IndexFunc(f.variants(), func(v Variant) bool { return v.Name == variant })
	if i < 0 {
		return nil, fmt.Errorf("expand %s: no variant %q%s", f.Name, variant, Meant(variant, f.VariantNames()))
	}
	if !slices.Contains(Worlds(), world) {
		return nil, fmt.Errorf("expand %s: no world %q%s", f.Name, world, Meant(world, Worlds()))
	}
	if because, ok := f.RunsIn(variant, world); !ok {
		return nil, fmt.Errorf("expand %s: variant %s does not run in %s: %s", f.Name, variant, world, because)
	}
	if !(speed >= 1 && speed <= 1000) {
		return nil, fmt.Errorf("expand %s: speed is %v: from 1 to 1000", f.Name, speed)
	}
	if world == "virtual" {
		speed = 1
	}
	b := builder{file: f, variant: f.variants()[i], world: world, seed: seed, speed: speed}
	p := b.build()
	if err := b.invalid(f.Name + ".yaml"); err != nil {
		return nil, err
	}
	return p, nil
}

// builder turns one variant of a file into a plan, collecting what is wrong.
type builder struct {
	problems
	file    *File
	variant Variant
	world   string
	seed    uint64
	speed   float64

	spec    SystemSpec // with the variant's changes
	cast    *cast
	shows   []Broadcaster // in the incident's time
	targets int           // hosts named so far
	cuts    []cut
	ended   time.Duration // the incident's end
}

func (b *builder) build() *Plan {
	f, v := b.file, b.variant
	b.spec = f.System.over(v.System)
	p := &Plan{
		Schema: 1, Scenario: f.Name, Title: f.Title, Story: f.Story, Date: f.Date.Value,
		Variant: v.Name, World: b.world, Seed: b.seed, Speed: b.speed, OnDemand: !f.ByDefault(v.Name, b.world),
		System: b.system(b.spec), Mutant: v.Mutant.Value, Assumed: f.Assumed, Affects: b.affects(),
	}
	p.Timing = b.timing(p.System)
	for _, l := range v.Legacy {
		p.Legacy = append(p.Legacy, l.Value)
	}
	slices.Sort(p.Legacy)
	b.ended = b.end()
	p.Broadcasters = b.broadcasters(p.System)
	b.shows = p.Broadcasters
	p.Visitors = b.visitors(p.System, p.Broadcasters)
	b.cast = newCast(p.System, p.Broadcasters, p.Visitors)
	b.namesakes()
	p.Steps = b.steps()
	p.Documented = b.documented()
	p.Expect = b.expect(v.Expect, f.Expect)
	p.Want = b.want(p.Expect)
	b.play(p)
	return p
}

// since is an instant as an offset from the run's zero.
func (b *builder) since(i Instant) time.Duration {
	if !i.Clock {
		return i.Offset
	}
	if b.file.Starts == nil {
		b.add(i.Pos, `a clock time needs "date" and "starts" at the top of the file; an offset such as 10m does not`)
		return 0
	}
	const day = 24 * time.Hour
	return (i.OfDay - b.file.Starts.OfDay + day) % day
}

// maxIdle is how long nothing happens before a clock time of the next day that is taken to end a run.
const maxIdle = 12 * time.Hour

// nextDay tells whether a clock time is taken for the next day's, as the day's has passed at the run's zero.
func (b *builder) nextDay(i Instant) bool {
	return i.Clock && b.file.Starts != nil && i.OfDay < b.file.Starts.OfDay
}

// end is when everybody goes off air, in the incident's time.
func (b *builder) end() time.Duration {
	last := 10 * time.Second
	for _, s := range b.file.Timeline {
		last = max(last, b.since(s.At)+time.Duration(or(s.For, 0)))
	}
	ends := b.file.Ends
	if ends == nil {
		return last + quietEnds
	}
	at := b.since(*ends)
	if b.nextDay(*ends) && at-last > maxIdle {
		b.add(ends.Pos, `"ends" is before "starts", and would be the next day's, %v after the last step: put it right, or if that is meant write ends: %v`, at-last, at)
	}
	return at
}

// specs is the timeline of the file with a variant's change.
func (b *builder) specs(t Timeline) []StepSpec {
	if t.None {
		return nil
	}
	all := append(slices.Clone(b.file.Timeline), t.Extra...)
	for i, s := range slices.Clone(all) {
		if s.Every != nil {
			s.repeats = stepID(i)
			all = append(all, b.again(s)...)
		}
	}
	return all
}

// again are a step's repetitions until the run ends. They come after all others, which
// keep the numbers that they have in the file.
func (b *builder) again(s StepSpec) []StepSpec {
	if b.file.Ends == nil {
		b.add(s.Fault.Pos, `"every" needs "ends" at the top of the file`)
		return nil
	}
	var all []StepSpec
	every, lasts := time.Duration(*s.Every), time.Duration(or(s.For, 0))
	for at := b.since(s.At) + every; every > 0 && at+lasts <= b.ended && len(all) <= MaxSteps; at += every {
		one := s
		one.At = Instant{Pos: s.At.Pos, Offset: at}
		all = append(all, one)
	}
	return all
}

// presetApart is how long after one broadcaster of a group the next goes on air.
const presetApart = 250 * time.Millisecond

// broadcasters names and places every show.
func (b *builder) broadcasters(sys System) []Broadcaster {
	var all []Broadcaster
	for _, g := range b.file.Broadcasters {
		names := members(g.Name.Value, g.count())
		on, off := 10*time.Second, b.ended
		if g.OnAir != nil {
			on = b.since(*g.OnAir)
		}
		if g.OffAir != nil {
			off = b.since(*g.OffAir)
		}
		persona, _ := PersonaNamed(g.Persona.Value)
		seen := Broadcaster{From: g.From.Value, AsksFrom: g.ResolverIn.Value, Hidden: g.Subnet.Value == "hidden"}
		near := sys.Nearest(seen.Seen())
		apart := time.Duration(or(g.Apart, Duration(presetApart)))
		for i := range b.variant.Share.of(g.count()) {
			begins := on + time.Duration(i)*apart
			one := Broadcaster{
				Name: names[i], Group: g.Name.Value, From: g.From.Value, Nearest: near[0],
				Persona: g.Persona.Value, Plan: b.plan(g), Resolver: b.resolverOf(g.Name.Value, g.Resolver), Bitrate: int(g.Bitrate), Retry: b.retry(persona.Retry),
				AsksFrom: seen.AsksFrom, Hidden: seen.Hidden,
				OnAir: begins, OffAir: min(off, begins+time.Duration(or(g.Lasts, Duration(maxSpan)))),
			}
			if g.Persona.Value == OwnApp && sys.Web != nil {
				one.API, one.Second = apiName, sys.Web.second(apiName)
			}
			if one.Bitrate == 0 {
				one.Bitrate = 8000
			}
			one.Mount, one.Account, one.Password = "/"+one.Name, one.Name, b.password(one.Name)
			all = append(all, one)
		}
		if last := all[len(all)-1]; last.OnAir >= off || off > b.ended {
			b.add(g.Pos, "group %s is on air from %v to %v, and the run ends at %v", g.Name.Value, on, off, b.ended)
		}
	}
	return all
}

// retry is a client's habit in incident time: its waits are scaled with the world, its deadlines are not.
func (b *builder) retry(r Retry) Retry {
	r.Reply = time.Duration(float64(r.Reply) * b.speed)
	r.Connect = time.Duration(float64(r.Connect) * b.speed)
	return r
}

func (b *builder) password(name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", b.seed, name))
	return hex.EncodeToString(sum[:6])
}

// members names so many of a group.
func members(group string, n int) []string {
	width := max(2, len(strconv.Itoa(n)))
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%0*d", group, width, i+1)
	}
	return names
}

// resolverOf is a group's: the variant's word, or its own, or the file's.
func (b *builder) resolverOf(group string, own ResolverKind) string {
	kind := cmp.Or(b.variant.Resolvers.of(group), own, b.file.Resolvers.of(group), "honest")
	known := append(b.groupNames(), b.visitorNames()...)
	for _, r := range slices.Concat(b.variant.Resolvers.Groups, b.file.Resolvers.Groups) {
		if !slices.Contains(known, r.Group.Value) {
			b.add(r.Group.Pos, "unknown group %q%s", r.Group.Value, Meant(r.Group.Value, known))
		}
	}
	return string(kind)
}

func (r Resolvers) of(group string) ResolverKind {
	for _, g := range r.Groups {
		if g.Group.Value == group {
			return g.Kind
		}
	}
	return r.All
}

func (b *builder) groupNames() []string {
	var names []string
	for _, g := range b.file.Broadcasters {
		names = append(names, g.Name.Value)
	}
	return names
}

func (b *builder) visitorNames() []string {
	var names []string
	for _, g := range b.file.Visitors {
		names = append(names, g.Name.Value)
	}
	return names
}

// appNames are the groups of broadcasters whose apps ask the API.
func (b *builder) appNames() []string {
	var names []string
	for _, g := range b.file.Broadcasters {
		if g.Persona.Value == OwnApp && b.spec.Web != nil {
			names = append(names, g.Name.Value)
		}
	}
	return names
}

// rand is a generator for one purpose; variants and worlds share its numbers.
func (b *builder) rand(purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(b.seed, h.Sum64()))
}
