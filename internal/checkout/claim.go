package checkout

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"florin/internal/engine"
	"florin/internal/payment"
)

// What can be wrong with a claim beside what the engine finds.
const (
	claimUnread engine.ClaimStatus = "unread" // no transaction's hash
	claimOften  engine.ClaimStatus = "often"
)

// hash is a transaction's id on every network we know; payers also paste the
// address of an explorer's page, which contains it.
var hash = regexp.MustCompile(`\b(?:0[xX])?[0-9a-fA-F]{64}\b`)

// maxClaim is far more than such an address has.
const maxClaim = 512

// claim asks what became of the transaction that the payer names, and leads back
// to the page with the answer.
func (c *Checkout) claim(w http.ResponseWriter, r *http.Request, v View) {
	phase, _, err := v.phase(c.options.Now())
	if err != nil {
		c.site.Fault(w, r, err)
		return
	}
	if !v.claimable(phase) {
		http.Redirect(w, r, v.links().to(""), http.StatusSeeOther)
		return
	}
	answer := func(a engine.ClaimStatus) {
		http.Redirect(w, r, v.links().to("", "claim="+string(a)), http.StatusSeeOther)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	given := r.PostFormValue("hash")
	if len(given) > maxClaim || len(hash.FindAllString(given, 2)) != 1 {
		answer(claimUnread)
		return
	}
	// A node is asked for each: few are enough for who pays, and too few for who plays.
	if _, ok := c.claims.Take(c.site.ClientAddr(r)); !ok {
		answer(claimOften)
		return
	}
	a, err := c.orders.Claim(r.Context(), v.Token, spell(v.Asset, hash.FindString(given)))
	if errors.Is(err, ErrUnknown) {
		c.site.Error(w, r, http.StatusNotFound)
		return
	}
	if errors.As(err, new(*payment.Error)) {
		answer(claimUnread)
		return
	}
	if err != nil {
		c.site.Fault(w, r, err)
		return
	}
	answer(a)
}

// spell writes a hash as the asset's network does, or as it was given before there is one.
func spell(a Asset, hash string) string {
	hash = strings.ToLower(hash)
	if a.Code == "" {
		return hash
	}
	hash = strings.TrimPrefix(hash, "0x")
	if a.EVM {
		return "0x" + hash
	}
	return hash
}

// claimText is the text of an answer. An unknown word says nothing.
func claimText(word string) string {
	switch engine.ClaimStatus(word) {
	case engine.ClaimLinked, engine.ClaimCounted, engine.ClaimResolved, engine.ClaimConfirming, engine.ClaimForeign,
		engine.ClaimFailed, engine.ClaimMissing, claimUnread, claimOften:
		return "claim." + word
	}
	return ""
}
