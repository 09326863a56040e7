package docker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sourceLabel is the label of an image of nodes that tells what it was compiled of.
const sourceLabel = "deadair.source"

// current makes sure that the image of nodes is of the source that is here. Where none
// is nobody can tell, and what plays could be another system than the one that is judged.
func (e *engine) current(ctx context.Context) error {
	here, err := sourceOf(ctx, ".", e.arch, nodeProgram, engineProgram)
	if err != nil {
		return &Remedy{fmt.Sprintf("tell whether image %s is of this source: %v: run this in the module's folder, with Go installed", nodeImage, err)}
	}
	i, err := e.ImageInspect(ctx, nodeImage)
	if err != nil {
		return fmt.Errorf("look at %s: %w", nodeImage, err)
	}
	if i.Config == nil || i.Config.Labels[sourceLabel] != here {
		return &Remedy{fmt.Sprintf("image %s is of other source than is here: make it anew with `make images`", nodeImage)}
	}
	return nil
}

// listed is a package that go list tells of.
type listed struct {
	ImportPath, Dir     string
	Standard            bool
	Module              *struct{ Path, Version string }
	GoFiles, EmbedFiles []string
}

// sourceOf is a hash of what programs are compiled of for a container: each file of
// theirs that the compiler would take, and the versions of others' modules.
func sourceOf(ctx context.Context, dir, arch string, programs ...string) (string, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-json=ImportPath,Dir,Standard,Module,GoFiles,EmbedFiles"}, programs...)...)
	list.Dir, list.Env = dir, forContainers(arch)
	var said bytes.Buffer
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		why, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return "", fmt.Errorf("list the source: %w: %s", err, why)
	}
	sum := sha256.New()
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := packages.Decode(&p)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err == nil {
			err = p.write(sum)
		}
		if err != nil {
			return "", fmt.Errorf("list the source: %w", err)
		}
	}
}

// write writes what tells one source of a package from another. The standard
// library's is the compiler's.
func (p listed) write(w io.Writer) error {
	switch {
	case p.Standard:
		return nil
	case p.Module != nil && p.Module.Version != "":
		fmt.Fprintf(w, "%s %s %s\n", p.ImportPath, p.Module.Path, p.Module.Version)
		return nil
	}
	for _, name := range append(p.GoFiles, p.EmbedFiles...) {
		data, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s/%s %x\n", p.ImportPath, filepath.ToSlash(name), sha256.Sum256(data))
	}
	return nil
}

// forContainers is the environment in which what runs in containers is compiled.
func forContainers(arch string) []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
}
