package reports

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed *.html style.css page.js
var files embed.FS

// templates parses the embedded templates; they are part of the program, so an
// error in them is a bug.
func templates() *template.Template {
	style, err := files.ReadFile("style.css")
	if err != nil {
		panic(err)
	}
	script, err := files.ReadFile("page.js")
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(script)
	funcs := template.FuncMap{
		"script": func() template.JS { return template.JS(script) }, //nolint:gosec // our own file
		"digest": func() string { return base64.StdEncoding.EncodeToString(sum[:]) },
		"style":  func() template.CSS { return template.CSS(style) },       //nolint:gosec // our own file
		"raw":    func(s string) template.HTML { return template.HTML(s) }, //nolint:gosec // letters of base64 only
		"less":   func(a, b float64) float64 { return a - b },
		"slug":   slug,
		"add":    func(a, b int) int { return a + b },
		"num":    func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) },
		"number": func(n int) string { return number(n) },
		"join":   strings.Join,
		"plural": func(n int, noun string) string { return plural(n, noun) },
	}
	return template.Must(template.New("").Funcs(funcs).ParseFS(files, "*.html"))
}

// WritePage writes the page of one run: one file that needs nothing else.
func WritePage(w io.Writer, pg Page) error {
	if err := templates().ExecuteTemplate(w, "page.html", pg); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// WriteStatus writes the page over all runs, set beside those of another time if
// change is not nil.
func WriteStatus(w io.Writer, s Summary, change *Comparison) error {
	if err := templates().ExecuteTemplate(w, "status.html", newStatus(s, change)); err != nil {
		return fmt.Errorf("write status page: %w", err)
	}
	return nil
}
