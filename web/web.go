// Package web holds the built web client: the files that `npm run build` leaves in dist, embedded
// into the binary. It knows nothing of HTTP; internal/httpserver decides how the files are served.
//
// The Go part builds without Node: then dist holds only .gitkeep and FS has no index.html.
package web

import (
	"embed"
	"io/fs"
)

// The prefix all: keeps .gitkeep, so that the pattern matches before the client was ever built.
//
//go:embed all:dist
var dist embed.FS

// FS returns the client's files with index.html at its root. Names below assets/ carry a hash of
// their content and may be cached for ever; everything else must be revalidated.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only for an invalid path, and this one is a constant.
		panic(err)
	}
	return sub
}
