package scenario

import (
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decoder fills Go values from a YAML tree. It goes on after a problem, so that
// one look at a file tells all that is wrong with it.
type decoder struct{ problems }

// decodable is a value with a spelling of its own.
type decodable interface {
	decode(d *decoder, n ast.Node)
}

// field is one key of a mapping: a struct's field with a yaml tag.
type field struct {
	key, doc string
	index    int
	needed   bool
	words    []string // that its value is one of; nil when that is open
}

// fields lists the keys of a struct type. The tags are yaml (the key), doc (one
// sentence for the JSON Schema), need ("yes" when the key must be there) and of (the
// table of its words, which the schema offers).
func fields(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		if key := f.Tag.Get("yaml"); key != "" {
			all = append(all, field{key, f.Tag.Get("doc"), i, f.Tag.Get("need") == "yes", words(f.Tag.Get("of"))})
		}
	}
	return all
}

// words are those of the table that a tag names.
func words(tag string) []string {
	return map[string]func() []string{
		"": func() []string { return nil }, "place": placeNames, "persona": personaNames, "preset": presets, "plan": Plans, "dns-fault": DNSFaults,
	}[tag]()
}

// value decodes n into the pointer v.
func (d *decoder) value(n ast.Node, v any) {
	d.into(n, reflect.ValueOf(v).Elem())
}

func (d *decoder) into(n ast.Node, v reflect.Value) {
	if own, ok := v.Addr().Interface().(decodable); ok {
		own.decode(d, n)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.into(n, v.Elem())
	case reflect.Struct:
		d.mapping(n, v)
	case reflect.Slice:
		d.sequence(n, v)
	case reflect.String:
		v.SetString(d.text(n))
	case reflect.Int:
		v.SetInt(int64(d.number(n)))
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.add(place(n), "%s is neither true nor false", describe(n))
			return
		}
		v.SetBool(b.Value)
	}
}

// mapping decodes a mapping into a struct. A field named Pos gets the place.
func (d *decoder) mapping(n ast.Node, v reflect.Value) {
	known := fields(v.Type())
	if at := v.FieldByName("Pos"); at.IsValid() {
		at.Set(reflect.ValueOf(place(n)))
	}
	seen := map[string]bool{}
	for _, e := range d.entries(n) {
		i := slices.IndexFunc(known, func(f field) bool { return f.key == e.key })
		if i < 0 && len(d.list) >= maxProblems {
			d.more++ // looking for what was meant takes long
			continue
		}
		if i < 0 {
			d.add(e.at, "unknown key %q%s", e.key, Meant(e.key, keysOf(known)))
			continue
		}
		seen[e.key] = true
		d.into(e.value, v.Field(known[i].index))
	}
	for _, f := range known {
		if f.needed && !seen[f.key] {
			d.add(place(n), "%q is missing: %s", f.key, f.doc)
		}
	}
}

func keysOf(fs []field) []string {
	var keys []string
	for _, f := range fs {
		keys = append(keys, f.key)
	}
	return keys
}

// sequence decodes a list; each element is decoded on its own.
func (d *decoder) sequence(n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(place(n), "%s stands where a list belongs", describe(n))
		return
	}
	all := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, e := range seq.Values {
		d.into(e, all.Index(i))
	}
	v.Set(all)
}

// entry is one key of a mapping with its value.
type entry struct {
	at    Pos
	key   string
	value ast.Node
}

// entries lists a mapping's keys. Keys without a value are told of and left out.
func (d *decoder) entries(n ast.Node) []entry {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.add(place(n), "%s stands where keys and values belong", describe(n))
		return nil
	}
	var all []entry
	for _, v := range m.Values {
		key, ok := v.Key.(ast.ScalarNode)
		if !ok || v.Key.Type() == ast.MergeKeyType {
			d.add(place(v.Key), "a key is one plain word here")
			continue
		}
		e := entry{place(v.Key), key.GetToken().Value, v.Value}
		if _, empty := v.Value.(*ast.NullNode); empty || v.Value == nil {
			d.add(e.at, "%q has no value: leave the key out", e.key)
			continue
		}
		all = append(all, e)
	}
	return all
}

// text is a scalar as it is written. Anything else is a problem.
func (d *decoder) text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	}
	d.add(place(n), "%s stands where one word or text belongs", describe(n))
	return ""
}

// number is a whole number of at least zero; all of a scenario's are.
func (d *decoder) number(n ast.Node) int {
	if i, ok := n.(*ast.IntegerNode); ok {
		if v, ok := i.Value.(uint64); ok && v <= 1<<31 {
			if word := i.GetToken().Value; len(word) > 1 && word[0] == '0' {
				d.add(place(n), "%q begins with 0 and would be read as %d: write the number without", clip(word), v)
			}
			return int(v)
		}
	}
	d.add(place(n), "%s is not a whole number", describe(n))
	return 0
}

// place is where a node begins.
func place(n ast.Node) Pos {
	switch m := n.(type) {
	case nil:
		return Pos{}
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return place(m.Values[0].Key)
		}
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return Pos{}
	}
	return Pos{t.Position.Line, t.Position.Column}
}

// describe names a node in a message.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.LiteralNode:
		return "a text"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "an anchor, alias or tag (not used in scenarios)"
	default:
		word := n.GetToken().Value
		return `"` + word[:min(len(word), 40)] + `"`
	}
}
