// Package web holds the web client as it was built: what is in dist is part of the binary, so running it needs no Node. The
// sources are beside it; `npm run build` makes dist, and a test says when the two are not of one piece.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Files are the web client's, index.html at their root. Those under assets/ carry a hash of their content in their names.
func Files() fs.FS {
	files, _ := fs.Sub(dist, "dist") // it fails only for a path that is none
	return files
}
