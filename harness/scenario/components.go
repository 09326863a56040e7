package scenario

import (
	"cmp"
	"slices"
)

// Component is a part of the service as its users know it.
type Component struct{ Name, Title string }

// Components is every component, in the order of a status page.
func Components() []Component {
	return []Component{
		{"website", "Website"},
		{"api", "API"},
		{"streaming", "Streaming"},
		{"mobile-apps", "Mobile apps"},
		{"recording", "Recording"},
		{"publishing", "Publishing"},
		{"mail", "Mail"},
		{"dns", "DNS"},
	}
}

// usualComponent is what a property is about when the table does not say.
const usualComponent = "recording"

func componentNames() []string {
	var names []string
	for _, c := range Components() {
		names = append(names, c.Name)
	}
	return names
}

// affects lists the components that a file is about: those it names, or those of
// the properties that it expects.
func (b *builder) affects() []string {
	named := map[string]bool{}
	for _, n := range b.file.Affects {
		named[n.Value] = true
	}
	if len(named) == 0 {
		for _, x := range b.file.Expect {
			p, _ := PropertyNamed(x.Property.Value)
			named[cmp.Or(p.Component, usualComponent)] = true
		}
	}
	var all []string
	for _, name := range componentNames() {
		if named[name] {
			all = append(all, name)
		}
	}
	return all
}

// checkAffects tells of components that do not exist.
func (d *decoder) checkAffects(f *File) {
	for _, n := range f.Affects {
		if !slices.Contains(componentNames(), n.Value) {
			d.add(n.Pos, "unknown component %q%s", clip(n.Value), Meant(n.Value, componentNames()))
		}
	}
}
