package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"deadair/harness/world/docker/inside"
)

// takeHome copies what the run left in its volume into its folder. Logs that are
// there already go on.
func (r *run) takeHome(ctx context.Context, b *box) error {
	got, err := r.engine.CopyFromContainer(ctx, b.GetContainerID(), client.CopyFromContainerOptions{SourcePath: inside.Dir})
	if err != nil {
		return fmt.Errorf("take home what the run left: %w", err)
	}
	defer got.Content.Close()
	if err := unpack(got.Content, r.Dir); err != nil {
		return fmt.Errorf("take home what the run left: %w", err)
	}
	return nil
}

// unpack writes folders and files of an archive into a folder, without the archive's first folder.
func unpack(archive io.Reader, dir string) error {
	files := tar.NewReader(archive)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(h.Name, "/")
		if name == "" {
			continue
		}
		local, err := filepath.Localize(path.Clean(name))
		if err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		to := filepath.Join(dir, local)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(to, 0o755)
		case tar.TypeReg:
			err = add(to, files)
		}
		if err != nil {
			return err
		}
	}
}

// add appends to a file.
func add(name string, data io.Reader) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	return errors.Join(err, f.Close())
}
