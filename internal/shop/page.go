package shop

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"
)

//go:embed pages
var files embed.FS

// pages are the shop's, each over the one layout. They are parsed by who has a shop: only the demo does.
var pages = sync.OnceValue(func() map[string]*template.Template {
	layout := template.Must(template.ParseFS(files, "pages/layout.html"))
	all := map[string]*template.Template{}
	for _, name := range []string{"home.html", "checkout.html", "order.html", "desk.html", "payout.html"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "pages/"+name))
	}
	return all
})

// policy lets a page show what comes from the shop itself, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

func show(w http.ResponseWriter, status int, name string, view any) {
	var html bytes.Buffer
	if err := pages()[name].ExecuteTemplate(&html, "layout.html", view); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = html.WriteTo(w) // the payer may have gone
}

// file serves what pages refer to.
func file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, files, "pages/"+name)
	}
}
