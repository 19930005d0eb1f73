package httpserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	indexFile = "index.html"
	// The build puts a hash of the content into the names of the files in this directory.
	hashedDir = "assets/"
)

// site serves the files of a single-page application. Addresses that name no file are the application's
// own routes and get its page.
type site struct {
	files map[string]file // by path, without a leading slash
}

// file is held in memory, with its gzip form when the build made one.
type file struct {
	content, gzip []byte
	contentType   string
	etag          string // from the content: embedded files have no time of change
}

// newSite reads all files. A nil tree is one without files.
func newSite(tree fs.FS) (*site, error) {
	s := &site{files: map[string]file{}}
	if tree == nil {
		return s, nil
	}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || hidden(name) || strings.HasSuffix(name, ".gz") {
			return err
		}
		s.files[name], err = readFile(tree, name)
		return err
	})
	return s, err
}

func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

func readFile(tree fs.FS, name string) (file, error) {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	packed, err := fs.ReadFile(tree, name+".gz")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file{}, err
	}
	sum := sha256.Sum256(content)
	return file{
		content:     content,
		gzip:        packed,
		contentType: contentType(name, content),
		etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}, nil
}

// contentType does not leave to the operating system's tables what the client needs to work.
func contentType(name string, content []byte) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	default:
		if known := mime.TypeByExtension(ext); known != "" {
			return known
		}
		return http.DetectContentType(content)
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, errMethod())
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = indexFile
	}
	f, ok := s.files[name]
	if !ok && !strings.HasPrefix(name, hashedDir) && wantsPage(r) {
		name = indexFile
		f, ok = s.files[name]
	}
	if !ok {
		s.missing(w, r)
		return
	}
	// Only names that change with their content may be kept without asking.
	if strings.HasPrefix(name, hashedDir) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	f.serve(w, r)
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	if _, built := s.files[indexFile]; !built && wantsPage(r) {
		http.Error(w, "The web client is not part of this build.", http.StatusNotFound)
		return
	}
	notFound(w, r)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	content, etag := f.content, f.etag
	if f.gzip != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			content, etag = f.gzip, strings.TrimSuffix(f.etag, `"`)+`-gzip"`
		}
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads an Accept-Encoding header as far as gzip is concerned (RFC 9110 section 12.5.3).
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight, given := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
		return !given || strings.Trim(weight, "0.") != ""
	}
	return false
}
