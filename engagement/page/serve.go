package page

import (
	"bytes"
	"compress/gzip"
	"embed"
	"net/http"
	"path"
	"strconv"
	"sync"

	"github.com/optimist-go/optimist/engagement/web"
)

//go:embed assets
var assets embed.FS

// file is one file to serve.
type file struct {
	kind  string                 // media type
	plain func() ([]byte, error) // the same slice each time
	zip   []byte                 // nil: not worth it
	small func() []byte          // by brotli; may return nil, for now. nil: never
	tag   string
}

// Handler serves the page. Other paths go to the handler otherwise.
type Handler struct {
	files     map[string]file
	document  *document // at /; nil: files has a page there
	first     First
	otherwise http.Handler
}

// NewHandler returns a handler for a build, or for a page that explains the problem if b is
// nil. Without first, or when it fails, the page begins without posts, and reads them.
func NewHandler(b *Build, problem error, first First, otherwise http.Handler) (*Handler, error) {
	h := &Handler{files: make(map[string]file), first: first, otherwise: otherwise}
	if err := h.addAssets("style.css", "boot.js", "favicon.svg"); err != nil {
		return nil, err
	}
	h.add("/gallery", htmlType, []byte(web.Gallery()))
	if b == nil {
		h.add("/", htmlType, []byte(web.Missing(problem)))
		return h, nil
	}
	var err error
	if h.document, err = newDocument(); err != nil {
		return nil, err
	}
	h.add("/wasm_exec.js", kinds[".js"], b.Runtime)
	// Hardly any client asks for the unzipped file, so it is unzipped only once.
	plain := sync.OnceValues(func() ([]byte, error) { return unzip(b.Wasm) })
	if err := h.addWorker(b); err != nil {
		return nil, err
	}
	h.files["/page.wasm"] = file{"application/wasm", plain, b.Wasm, b.Brotli, `"` + b.Hash + `"`}
	return h, nil
}

const htmlType = "text/html; charset=utf-8"

// kinds are the media types of the assets.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func (h *Handler) addAssets(names ...string) error {
	for _, name := range names {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return err
		}
		h.add("/"+name, kinds[path.Ext(name)], data)
	}
	return nil
}

func (h *Handler) add(path, kind string, data []byte) {
	f := file{kind: kind, plain: func() ([]byte, error) { return data, nil }, tag: `"` + hashOf(data) + `"`}
	if small, err := zip(data, gzip.BestCompression); err == nil && len(small) < len(data)*9/10 {
		f.zip = small
	}
	h.files[path] = f
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.document != nil && (r.URL.Path == "/" || r.URL.Path == "/shell") && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		h.serveDocument(w, r)
		return
	}
	f, ok := h.files[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.otherwise.ServeHTTP(w, r)
		return
	}
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Set("Vary", "Accept-Encoding")
	head.Set("Cache-Control", "no-cache") // revalidate every time
	head.Set("ETag", f.tag)
	if holds(r.Header.Values("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	coding, data := f.as(r.Header.Values("Accept-Encoding"))
	if coding != "" {
		head.Set("Content-Encoding", coding)
	} else {
		plain, err := f.plain()
		if err != nil {
			http.Error(w, "the file is damaged", http.StatusInternalServerError)
			return
		}
		data = plain
	}
	head.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodGet {
		w.Write(data) // an error means that the client is gone
	}
}

// as returns the file in the coding that suits the client best; empty: as it is.
func (f file) as(accepted []string) (coding string, data []byte) {
	gzipped, squeezed := weightFor(accepted, "gzip", "x-gzip"), weightFor(accepted, "br")
	if f.small != nil && squeezed > 0 && squeezed >= gzipped {
		if small := f.small(); small != nil {
			return "br", small
		}
	}
	if f.zip != nil && gzipped > 0 {
		return "gzip", f.zip
	}
	return "", nil
}

// addWorker adds the script that opens the page without a network. Its version is that of
// all files that it keeps: a browser notices a new one by the changed script.
func (h *Handler) addWorker(b *Build) error {
	data, err := assets.ReadFile("assets/sw.js")
	if err != nil {
		return err
	}
	version := hashOf([]byte(b.Hash), h.document.shell, []byte(h.files["/boot.js"].tag+h.files["/favicon.svg"].tag))
	h.add("/sw.js", kinds[".js"], bytes.Replace(data, []byte("{{.}}"), []byte(version), 1))
	return nil
}

// serveDocument serves the page with its first content. It is no file: each user has
// another one, and at each moment. No cache keeps it, so that after a sign-out the content
// is not shown again. At /shell is the page without content, for the service worker.
func (h *Handler) serveDocument(w http.ResponseWriter, r *http.Request) {
	data := h.document.shell
	if h.first != nil && r.URL.Path == "/" {
		if first, err := h.first(r); err == nil {
			if full, err := h.document.with(first); err == nil {
				data = full
			}
		}
	}
	head := w.Header()
	head.Set("Content-Security-Policy", h.document.allow(head.Get("Content-Security-Policy")))
	head.Set("Content-Type", htmlType)
	head.Set("Vary", "Accept-Encoding, Cookie")
	head.Set("Cache-Control", "no-store")
	if weightFor(r.Header.Values("Accept-Encoding"), "gzip", "x-gzip") > 0 {
		if small, err := zip(data, gzip.DefaultCompression); err == nil {
			head.Set("Content-Encoding", "gzip")
			data = small
		}
	}
	head.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodGet {
		w.Write(data) // an error means that the client is gone
	}
}
