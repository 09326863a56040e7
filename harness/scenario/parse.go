package scenario

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a scenario file.
const (
	MaxBytes        = 256 << 10
	MaxBroadcasters = 5000
	MaxVisitors     = 1000
	MaxSteps        = 500
	maxVariants     = 32
	maxTargets      = 500_000 // hosts named by all steps of a variant
	maxLine         = 4 << 10 // bytes; with maxFlow it bounds how deep the YAML parser recurses
	maxFlow         = 32      // nested brackets
)

// Parse reads a scenario file. Its error is an *Invalid that holds every problem
// found, each with its place. The name is the file's; its base without .yaml
// becomes the scenario's.
func Parse(name string, data []byte) (*File, error) {
	var d decoder
	f := &File{Name: strings.TrimSuffix(path.Base(name), ".yaml")}
	if root := d.tree(data); root != nil {
		d.value(root, f)
		d.check(f)
	}
	if len(d.list) == 0 {
		d.tryVariants(f)
	}
	if err := d.invalid(name); err != nil {
		return nil, err
	}
	return f, nil
}

// tree parses YAML to the mapping at its top, or tells why not.
func (d *decoder) tree(data []byte) ast.Node {
	if len(data) > MaxBytes {
		d.add(Pos{1, 1}, "the file has more than %d bytes: a scenario is some pages of text", MaxBytes)
		return nil
	}
	for i, line := range strings.Split(string(data), "\n") {
		if len(line) > maxLine {
			d.add(Pos{i + 1, maxLine}, "the line has %d bytes, more than %d", len(line), maxLine)
			return nil
		}
	}
	file, err := parseYAML(string(data))
	if err != nil {
		var bad yaml.Error
		at := Pos{1, 1}
		message := err.Error()
		if errors.As(err, &bad) {
			message = bad.GetMessage()
			if t := bad.GetToken(); t != nil && t.Position != nil {
				at = Pos{t.Position.Line, t.Position.Column}
			}
		}
		d.add(at, "%s", message)
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) != 1 {
		d.add(Pos{1, 1}, "the file holds %d documents, and one scenario is one document", len(bodies))
		return nil
	}
	return bodies[0]
}

// parseYAML turns a panic of the parser, which a broken file can cause, into an error.
func parseYAML(text string) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("this is no YAML that can be read (%v)", r)
		}
	}()
	tokens := lexer.Tokenize(text)
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		}
		if depth > maxFlow {
			return nil, fmt.Errorf("brackets are nested more than %d deep (line %d)", maxFlow, t.Position.Line)
		}
	}
	return parser.Parse(tokens, 0)
}

// tryVariants expands every variant, which finds the names that do not exist.
func (d *decoder) tryVariants(f *File) {
	for _, v := range f.variants() {
		b := builder{file: f, variant: v, world: "virtual", seed: 1, speed: 1}
		b.build()
		for _, p := range b.list {
			d.add(p.Pos, "%s", p.Message)
		}
		d.more += b.more
	}
}

// today is the variant of a file that names none.
func today() Variant { return Variant{Name: "today", Verdict: &Verdict{}} }

func (f *File) variants() []Variant {
	if len(f.Variants) == 0 {
		return []Variant{today()}
	}
	return f.Variants
}

// VariantNames lists the variants in the file's order; a file without any has "today".
func (f *File) VariantNames() []string {
	var names []string
	for _, v := range f.variants() {
		names = append(names, v.Name)
	}
	return names
}

// RunsIn tells whether a variant may run in a world, and if not, the file's reason.
func (f *File) RunsIn(variant, world string) (because string, ok bool) {
	for _, v := range f.variants() {
		switch {
		case v.Name != variant:
		case len(v.Worlds) > 0:
			named := slices.ContainsFunc(v.Worlds, func(w Name) bool { return w.Value == world })
			return v.Because, named
		case v.Mutant.Value != "" && world != "virtual":
			return "a planted defect tests the checks, which are the same in every world", false
		}
	}
	return "", true
}
