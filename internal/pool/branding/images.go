package branding

import (
	"bytes"
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// An Image names a stored image. It never changes: another image has another id.
type Image struct {
	ID        string                 `json:"id"`
	Extension idp.AssetExtensionType `json:"extension"`
}

// mediaTypes are the types under which images are served.
var mediaTypes = map[idp.AssetExtensionType]string{
	idp.AssetExtensionTypeIco:  "image/x-icon",
	idp.AssetExtensionTypeJpeg: "image/jpeg",
	idp.AssetExtensionTypePng:  "image/png",
	idp.AssetExtensionTypeSvg:  "image/svg+xml",
	idp.AssetExtensionTypeWebp: "image/webp",
}

// MediaType returns the type under which the image is served.
func (i *Image) MediaType() string { return mediaTypes[i.Extension] }

// signatures are the bytes that files of a raster format begin with.
var signatures = []struct {
	extension idp.AssetExtensionType
	begins    func(b []byte) bool
}{
	{idp.AssetExtensionTypePng, func(b []byte) bool { return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) }},
	{idp.AssetExtensionTypeJpeg, func(b []byte) bool { return bytes.HasPrefix(b, []byte("\xff\xd8\xff")) }},
	{idp.AssetExtensionTypeIco, func(b []byte) bool { return bytes.HasPrefix(b, []byte("\x00\x00\x01\x00")) }},
	{idp.AssetExtensionTypeWebp, func(b []byte) bool {
		return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
	}},
}

// sniff returns the raster format that a file begins like, or "".
func sniff(b []byte) idp.AssetExtensionType {
	for _, s := range signatures {
		if s.begins(b) {
			return s.extension
		}
	}
	return ""
}

const imagesPrefix = "/_cognate/images/"

// path returns where the server serves an image.
func (i *Image) path(poolID, owner string) string {
	return imagesPrefix + poolID + "/" + owner + "/" + i.ID + "." + strings.ToLower(string(i.Extension))
}

// file returns where a domain serves an image, below the domain's folder of images. Paths of domains are in lower case.
func (i *Image) file(owner string) string {
	return strings.ToLower(owner + "/" + i.ID + "." + string(i.Extension))
}

// Mount adds the route of images.
func (s *Service) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+imagesPrefix+"{pool}/{owner}/{file}", s.serveImage)
}

func (s *Service) serveImage(w http.ResponseWriter, r *http.Request) {
	s.ServeImage(w, r, r.PathValue("pool"), r.PathValue("owner"), r.PathValue("file"))
}

// ServeImage serves an image of a pool to browsers. An SVG image is a document, too: where somebody opens it by itself,
// the policy keeps it from running or loading anything.
func (s *Service) ServeImage(w http.ResponseWriter, r *http.Request, poolID, owner, file string) {
	if strings.EqualFold(owner, allClients) {
		owner = allClients
	}
	image := Image{
		ID:        strings.TrimSuffix(file, path.Ext(file)),
		Extension: idp.AssetExtensionType(strings.ToUpper(strings.TrimPrefix(path.Ext(file), "."))),
	}
	if image.MediaType() == "" {
		http.NotFound(w, r)
		return
	}
	record, err := s.deps.Store.LoginImage(r.Context(), poolID, owner, image.ID)
	if errors.Is(err, store.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", image.MediaType())
	h.Set("Content-Length", strconv.Itoa(len(record.Content)))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(record.Content)
}
