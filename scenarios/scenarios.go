// Package scenarios is the library: one YAML file per incident or guarantee.
// It holds the files and nothing else; package harness/scenario knows their form.
package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// Files are the scenario files, NAME.yaml.
//
//go:embed *.yaml
var Files embed.FS

// Names lists the library, sorted, without ".yaml".
func Names() []string {
	names, err := fs.Glob(Files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(n, ".yaml")
	}
	return names
}

// Read returns the text of a scenario of the library.
func Read(name string) ([]byte, error) {
	data, err := Files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read scenario: no %q in the library (deadair list shows it)", name)
	}
	return data, nil
}
