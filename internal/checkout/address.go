package checkout

import (
	"errors"
	"net/http"
	"strings"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/web"
)

// AddressPage is /address: whoever was given a deposit address computes it again there, from its salt
// and its destination, and sees what it is made of (docs/addresses.md). It knows no order and asks no
// database.
type AddressPage struct {
	site   *web.Site
	engine *engine.Engine
	page   *web.Page
}

// NewAddressPage prepares the page. An error is a mistake in the binary.
func NewAddressPage(site *web.Site, e *engine.Engine) (*AddressPage, error) {
	said, err := texts()
	if err != nil {
		return nil, err
	}
	p, err := site.Page(files, said, "templates/address.html", "templates/marks.html", "static/checkout.css", "static/address.css")
	return &AddressPage{site, e, p}, err
}

// Mount adds the page to mux.
func (a *AddressPage) Mount(mux *http.ServeMux) { mux.HandleFunc("GET /address", a.show) }

// addressForm is what the template shows: the form as it was sent, and what came of it.
type addressForm struct {
	*web.Language
	Networks                   []addressNetwork
	Salt, Destination, Address string
	Bad                        string // the field that was refused: chain, salt or destination
	Recipe                     *engine.Recipe
	Verdict                    string // "same", "other", or "" where nothing was compared
}

type addressNetwork struct {
	Name, Title string
	Chosen      bool
}

// maxField bounds what is shown again of a field; all that are good are shorter.
const maxField = 80

func (a *AddressPage) show(w http.ResponseWriter, r *http.Request) {
	lang := a.page.Language(r)
	query := r.URL.Query()
	field := func(name string) string { return web.Plain(query.Get(name), maxField) }
	f := addressForm{Language: lang, Salt: field("salt"), Destination: field("destination"), Address: field("address")}
	for _, n := range a.engine.Networks() {
		f.Networks = append(f.Networks, addressNetwork{n.Name, n.Title, n.Name == query.Get("chain")})
	}
	if query.Has("salt") {
		if err := f.compute(a.engine, query.Get("chain")); err != nil {
			a.site.Fault(w, r, err)
			return
		}
	}
	a.page.Write(w, r, http.StatusOK, lang, f)
}

// compute fills in the recipe, or which field is wrong.
func (f *addressForm) compute(e *engine.Engine, network string) error {
	recipe, err := e.Recipe(network, f.Salt, f.Destination)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		f.Bad = refusal.Field
		return nil
	}
	if err != nil {
		return err
	}
	f.Recipe = &recipe
	switch {
	case f.Address == "":
	case strings.EqualFold(f.Address, recipe.Address):
		f.Verdict = "same"
	default:
		f.Verdict = "other"
	}
	return nil
}
