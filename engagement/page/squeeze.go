package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"

	"github.com/andybalholm/brotli"
)

// Brotli returns the client compressed by brotli, a quarter smaller than by gzip; nil until
// Squeeze has been successful, now or at an earlier start.
func (b *Build) Brotli() []byte {
	if small := b.squeezed.Load(); small != nil {
		return *small
	}
	return nil
}

// Squeeze compresses the client by brotli as far as it goes, which takes a core half a
// minute, and keeps the result for later starts. Meanwhile the client can be served as gzip.
// It returns early, with the error of ctx, when ctx ends; the error of the cache does not
// keep the result from being used.
func (b *Build) Squeeze(ctx context.Context) error {
	if b.Brotli() != nil {
		return nil
	}
	wasm, err := unzip(b.Wasm)
	if err != nil {
		return err
	}
	small, err := squeeze(ctx, wasm)
	if err != nil {
		return err
	}
	b.squeezed.Store(&small)
	if b.cache == "" {
		return nil
	}
	return write(squeezedFile(b.cache, b.Hash), small)
}

func squeeze(ctx context.Context, data []byte) ([]byte, error) {
	var small bytes.Buffer
	w := brotli.NewWriterOptions(&small, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(len(data), 64<<10) // so that the end of ctx is noticed
		if _, err := w.Write(data[:n]); err != nil {
			return nil, err
		}
		data = data[n:]
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return small.Bytes(), nil
}

func zip(data []byte, level int) ([]byte, error) {
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return small.Bytes(), nil
}

func unzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
