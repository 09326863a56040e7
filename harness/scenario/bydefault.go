package scenario

import "slices"

// never is the word of a variant that is only played when it is asked for.
const never = "none"

// ByDefault tells whether a variant is played in a world when the library is played
// and nobody named it. In virtual time that is all but the variants that say none, in
// another world only what names it: there each run costs real seconds. Containers play
// what processes play, where they can.
func (f *File) ByDefault(variant, world string) bool {
	if _, ok := f.RunsIn(variant, world); !ok {
		return false
	}
	i := slices.IndexFunc(f.variants(), func(v Variant) bool { return v.Name == variant })
	if i < 0 {
		return false
	}
	named := f.variants()[i].ByDefault
	if len(named) == 0 {
		return world == "virtual"
	}
	return slices.ContainsFunc(named, func(w Name) bool {
		return w.Value == world || w.Value == "loopback" && world == "docker"
	})
}

// checkByDefault tells of worlds that a variant cannot be played in, and of one that
// would leave the library in virtual time incomplete in silence.
func (d *decoder) checkByDefault(f *File, v Variant) {
	known := Worlds()
	if len(v.ByDefault) == 1 {
		known = append(known, never)
	}
	for _, w := range v.ByDefault {
		d.oneOf(w, known...)
		if w.Value == never || !slices.Contains(known, w.Value) {
			return
		}
		if because, ok := f.RunsIn(v.Name, w.Value); !ok {
			d.add(w.Pos, "%s does not run in %s: %s", v.Name, w.Value, because)
		}
	}
	if len(v.ByDefault) == 0 || f.ByDefault(v.Name, "virtual") {
		return
	}
	if _, ok := f.RunsIn(v.Name, "virtual"); ok {
		d.add(v.ByDefault[0].Pos, `"by-default" leaves virtual time out: name virtual too, or say none`)
	}
}
