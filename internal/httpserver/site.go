package httpserver

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
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
	tree  fs.FS
	files map[string]file // by path, without a leading slash
}

// file is what there is to know of a file. Its content stays where it is, in the program as a rule.
type file struct {
	gzip        bool // the build has made a gzip form, beside it with the suffix .gz
	contentType string
	etag        string // from the content: embedded files have no time of change
}

// newSite looks at all files. A nil tree is one without files.
func newSite(tree fs.FS) (*site, error) {
	s := &site{tree: tree, files: map[string]file{}}
	if tree == nil {
		return s, nil
	}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || hidden(name) || strings.HasSuffix(name, ".gz") {
			return err
		}
		s.files[name], err = lookAt(tree, name)
		return err
	})
	return s, err
}

func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

func lookAt(tree fs.FS, name string) (file, error) {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	_, err = fs.Stat(tree, name+".gz")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file{}, err
	}
	sum := sha256.Sum256(content)
	return file{
		gzip:        err == nil,
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
	s.serve(w, r, name, f)
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

func (s *site) serve(w http.ResponseWriter, r *http.Request, name string, f file) {
	h := w.Header()
	etag := f.etag
	zipped := f.gzip && acceptsGzip(r.Header.Get("Accept-Encoding"))
	if zipped {
		name, etag = name+".gz", strings.TrimSuffix(etag, `"`)+`-gzip"`
	}
	content, err := s.tree.Open(name)
	if err != nil {
		notFound(w, r)
		return
	}
	defer content.Close()
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", etag)
	if f.gzip {
		h.Set("Vary", "Accept-Encoding")
	}
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	http.ServeContent(w, r, "", time.Time{}, content.(io.ReadSeeker)) // files of package embed can do it
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
