package page

import (
	"os"
	"path/filepath"
)

// load reads a build that was kept under a name.
func load(dir, name string) (*Build, error) {
	var b Build
	var err error
	if b.Wasm, err = os.ReadFile(filepath.Join(dir, name+".wasm.gz")); err != nil {
		return nil, err
	}
	if b.Runtime, err = os.ReadFile(filepath.Join(dir, name+".js")); err != nil {
		return nil, err
	}
	b.Hash, b.cache = hashOf(b.Wasm, b.Runtime), dir
	if small, err := os.ReadFile(squeezedFile(dir, b.Hash)); err == nil {
		b.squeezed.Store(&small)
	}
	return &b, nil
}

// keep writes a build under a name, for load. A concurrent reader sees either all
// of a file or none. The wasm comes last: without it there is no build.
func keep(dir, name string, b *Build) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := write(filepath.Join(dir, name+".js"), b.Runtime); err != nil {
		return err
	}
	return write(filepath.Join(dir, name+".wasm.gz"), b.Wasm)
}

// squeezedFile is named by the content of the build, so that it fits under each name
// that the build is kept under.
func squeezedFile(dir, hash string) string { return filepath.Join(dir, hash+".wasm.br") }

func write(file string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".page")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // the file is gone if all went well
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
