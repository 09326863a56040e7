package deadair_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "deadair/"

// source is one Go file of the module, of any platform.
type source struct {
	path string // from the root, with slashes: balancer/admit.go
	dir  string // balancer
	test bool
	file *ast.File
}

// rule forbids something to some files.
type rule struct {
	name  string
	why   string
	where func(source) bool
	// imports tells whether an import breaks the rule; nil for none does.
	imports func(path string) bool
	// names are forbidden as package.Name of an import path, "math/rand/v2.IntN";
	// nil for none is.
	names func(path, name string) bool
	// funcs are names of functions that must not be declared.
	funcs []string
}

func rules() []rule {
	return slices.Concat(arrows(), fences(), purities())
}

// arrows say which packages of ours may know which. Tests may look further:
// they stand outside.
func arrows() []rule {
	return []rule{
		{
			name: "balancer stands alone", where: code("balancer"), imports: ownBut("balancer"),
			why: "it is the system under test and could ship: it must not know who tests it",
		}, {
			name: "icecast is a leaf", where: code("balancer/icecast"), imports: ownBut(),
			why: "everybody who speaks the source protocol shares it: io in, values out",
		}, {
			name: "audio is a leaf", where: code("balancer/audio"), imports: ownBut(),
			why: "framing is bytes in, values out",
		}, {
			name: "fakes stand in for outsiders", where: code("fakes"), imports: ownBut("fakes", "balancer/env", "balancer/icecast"),
			why: "a fake that knows the system would agree with its mistakes; only the seam and the protocol are shared",
		}, {
			name: "scenario is a leaf", where: code("harness/scenario"), imports: ownBut("harness/scenario"),
			why: "a plan is data: who runs it and who judges it must read the same",
		}, {
			name: "history is a leaf", where: code("harness/history"), imports: ownBut("harness/history"),
			why: "evidence is data: no witness and no judge may shape it",
		}, {
			name: "check reads evidence only", where: code("harness/check"),
			imports: ownBut("harness/check", "harness/history", "harness/scenario"),
			why:     "a verdict follows from plan and history; who could ask the system would trust the suspect",
		}, {
			name: "reports draw verdicts only", where: code("reports"),
			imports: ownBut("reports", "harness/check", "harness/history", "harness/scenario"),
			why:     "a report can be drawn again from the files of a run",
		},
	}
}

// fences keep libraries where they are used for a reason.
func fences() []rule {
	return []rule{
		{
			name: "toxiproxy stays in links", where: not(all("harness/world/link")), imports: below("github.com/Shopify/toxiproxy"),
			why: "how a link breaks is the world's own affair",
		}, {
			name: "testcontainers stays in docker", where: not(all("harness/world/docker")), imports: below("github.com/testcontainers"),
			why: "nodes start by running the tool again: it must start fast",
		}, {
			name: "containers have a tool of their own", where: not(or(all("harness/world/docker"), all("harness/suite/contained"), all("cmd/deadair-docker"))),
			imports: func(path string) bool {
				return path == module+"harness/world/docker" || path == module+"harness/suite/contained"
			},
			why: "who links the engine's client takes twenty times as long to start, and nodes are started often",
		}, {
			name: "virtual time has one door", where: not(or(tests, all("harness/world/virtual"))), imports: below("testing/synctest"),
			why: "code that knows its time is virtual behaves differently there",
		}, {
			name: "testing stays in tests", where: not(or(tests, testPackages, files("harness/world/virtual/bubble.go"))), imports: exactly("testing"),
			why: "what ships must not carry the test framework; the bubble's wrapper is the one exception",
		},
	}
}

// purities keep out what would make two runs differ.
func purities() []rule {
	clockless := or(code("harness/check"), code("reports"), code("harness/scenario"))
	return []rule{
		{
			name: "judging does no I/O", where: or(code("harness/check"), code("reports")), imports: outside,
			why: "a verdict and a report are functions of their arguments",
		}, {
			name: "judging has no clock", where: clockless,
			names: func(path, name string) bool {
				return path == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, name)
			},
			why: "plan, verdict and report must be the same tomorrow: time comes from the history",
		}, {
			name: "randomness is injected", where: everywhere,
			imports: exactly("math/rand"),
			names: func(path, name string) bool {
				return path == "math/rand/v2" && !slices.Contains([]string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "PCG", "ChaCha8", "Zipf", "Source"}, name)
			},
			why: "the global generator cannot be seeded: a run could not be repeated",
		}, {
			name: "nothing happens on import", where: everywhere, funcs: []string{"init"},
			why: "init runs in every binary and every test, in an order that nobody reads",
		},
	}
}

// outside tells imports that reach out of the process.
func outside(path string) bool {
	if path == "net/netip" || path == "net/url" {
		return false
	}
	return below("net")(path) || below("os")(path) || path == "syscall"
}

// ownBut forbids the module's packages except those below some directories.
func ownBut(dirs ...string) func(string) bool {
	return func(path string) bool {
		dir, own := strings.CutPrefix(path, module)
		return own && !within(dir, dirs...)
	}
}

func below(root string) func(string) bool {
	return func(path string) bool { return within(path, root) }
}
func exactly(want string) func(string) bool { return func(path string) bool { return path == want } }

func within(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") })
}

func everywhere(source) bool     { return true }
func tests(s source) bool        { return s.test }
func testPackages(s source) bool { return strings.HasSuffix(s.file.Name.Name, "test") }
func all(dir string) func(source) bool {
	return func(s source) bool { return within(s.dir, dir) }
}
func code(dir string) func(source) bool {
	return func(s source) bool { return within(s.dir, dir) && !s.test }
}
func files(path string) func(source) bool       { return func(s source) bool { return s.path == path } }
func not(f func(source) bool) func(source) bool { return func(s source) bool { return !f(s) } }
func or(fs ...func(source) bool) func(source) bool {
	return func(s source) bool {
		return slices.ContainsFunc(fs, func(f func(source) bool) bool { return f(s) })
	}
}

// check returns what a file breaks, each with the rule and its reason.
func check(s source, rules []rule) (broken []string) {
	for _, r := range rules {
		if !r.where(s) {
			continue
		}
		for _, what := range breaks(r, s.file) {
			broken = append(broken, fmt.Sprintf("%s %s, but %s: %s", s.path, what, r.name, r.why))
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

func localName(spec *ast.ImportSpec, path string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	return last
}

func breaks(r rule, file *ast.File) (what []string) {
	imports := map[string]string{} // local name → path
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		imports[localName(spec, path)] = path
		if r.imports != nil && r.imports(path) {
			what = append(what, "imports "+path)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && slices.Contains(r.funcs, n.Name.Name) {
				what = append(what, "declares "+n.Name.Name)
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && r.names != nil && r.names(imports[x.Name], n.Sel.Name) {
				what = append(what, "uses "+imports[x.Name]+"."+n.Sel.Name)
			}
		}
		return true
	})
	return what
}

func parse(t *testing.T, path string, src any) source {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
	require.NoError(t, err)
	return source{path: path, dir: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"), file: file}
}

func TestArrows(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (name == "testdata" || name == "out" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		seen++
		for _, broken := range check(parse(t, filepath.ToSlash(path), nil), rules()) {
			t.Error(broken)
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, seen, 50, "the walk found the module")
}
