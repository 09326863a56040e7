package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"deadair/harness/world/loopback"
)

// Programs that are made together, and so are current or stale together.
const (
	nodeProgram   = "deadair/cmd/deadair" // what nodes' containers run
	engineProgram = nodeProgram + "-docker"
)

// MakeImages makes the images of runs: that of nodes from this module's source, and
// that of Redis from what is installed here if no official one is present. It needs no
// registry.
func MakeImages(ctx context.Context, say io.Writer) (err error) {
	e, err := reach(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	dir, err := os.MkdirTemp("", "deadair-images-")
	if err != nil {
		return fmt.Errorf("make images: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := e.makeNode(ctx, dir); err != nil {
		return err
	}
	fmt.Fprintln(say, "made", nodeImage)
	if err := install(); err != nil {
		return err
	}
	if name, err := e.imageOf(ctx, Redis); err == nil && name != localRedis {
		fmt.Fprintln(say, "use", name)
		return nil
	}
	if err := e.makeProgram(ctx, localRedis, Redis, "redis-cli"); err != nil {
		return err
	}
	fmt.Fprintln(say, "made", localRedis)
	return nil
}

// install puts this program where deadair finds it.
func install() error {
	dir, err := loopback.StateDir()
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		return fmt.Errorf("install this program: %w", err)
	}
	to := filepath.Join(dir, filepath.Base(engineProgram))
	draft := to + ".draft" // the one in its place may be running
	err = errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(draft, data, 0o755))
	if err == nil {
		err = os.Rename(draft, to)
	}
	if err != nil {
		return fmt.Errorf("install this program: %w", err)
	}
	return nil
}

// makeNode compiles the nodes' program and makes an image of it alone.
func (e *engine) makeNode(ctx context.Context, dir string) error {
	exe := filepath.Join(dir, "deadair")
	source, err := sourceOf(ctx, ".", e.arch, nodeProgram, engineProgram) // before the build: what is written meanwhile makes the image stale, not current
	if err != nil {
		return &Remedy{fmt.Sprintf("make %s: %v: run this in the module's folder, with Go installed", nodeImage, err)}
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", exe, nodeProgram)
	build.Env = forContainers(e.arch)
	if out, err := build.CombinedOutput(); err != nil {
		return &Remedy{fmt.Sprintf("compile %s: %v: %s: run this in the module's folder, with Go installed", nodeProgram, err, strings.TrimSpace(string(out)))}
	}
	files := map[string]string{"deadair": exe}
	return e.makeImage(ctx, nodeImage, files, `ENTRYPOINT ["/deadair"]`, "LABEL "+sourceLabel+"="+source)
}

// makeProgram makes an image of an installed program, with what it is linked with.
func (e *engine) makeProgram(ctx context.Context, image, program string, others ...string) error {
	files := map[string]string{}
	for _, name := range append([]string{program}, others...) {
		path, err := exec.LookPath(name)
		if err != nil {
			return &Remedy{fmt.Sprintf("make %s: %s is not installed here: install it, or `docker pull %s`", image, name, choices(program)[0])}
		}
		files["usr/bin/"+name] = path
		libs, err := librariesOf(ctx, path)
		if err != nil {
			return fmt.Errorf("make %s: %w", image, err)
		}
		for _, lib := range libs {
			files[strings.TrimPrefix(lib, "/")] = lib
		}
	}
	return e.makeImage(ctx, image, files, "ENV PATH=/usr/bin")
}

// librariesOf lists what a program is linked with.
func librariesOf(ctx context.Context, program string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ldd", program).Output()
	if err != nil {
		return nil, fmt.Errorf("find what %s is linked with: %w", program, err)
	}
	return regexp.MustCompile(`/[^ )]+`).FindAllString(string(out), -1), nil
}

// makeImage makes an image of files, by their paths in it.
func (e *engine) makeImage(ctx context.Context, name string, files map[string]string, changes ...string) error {
	archive, write := io.Pipe()
	go func() { write.CloseWithError(pack(write, files)) }()
	defer archive.Close()
	platform := ocispec.Platform{OS: "linux", Architecture: e.arch}
	answer, err := e.ImageImport(ctx, client.ImageImportSource{Source: archive, SourceName: "-"}, name, client.ImageImportOptions{Changes: changes, Platform: platform})
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	said, err := io.ReadAll(answer)
	err = errors.Join(err, answer.Close())
	if err == nil && strings.Contains(string(said), `"error"`) {
		err = errors.New(strings.TrimSpace(string(said)))
	}
	if err == nil {
		_, err = e.ImageInspect(ctx, name)
	}
	if errdefs.IsNotFound(err) {
		err = errors.New("the engine did not keep it")
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	return nil
}

// pack writes files as an archive with the folders that servers expect. Links are followed.
func pack(w io.Writer, files map[string]string) error {
	archive := tar.NewWriter(w)
	for _, dir := range []string{"data/", "tmp/"} {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o777}); err != nil {
			return err
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := packOne(archive, name, files[name]); err != nil {
			return fmt.Errorf("pack %s: %w", files[name], err)
		}
	}
	return archive.Close()
}

func packOne(archive *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o755}); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}
