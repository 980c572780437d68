package engine

import (
	"cmp"
	"context"
	"fmt"

	"florin/internal/chain"
	"florin/internal/payment"
	"florin/internal/store/query"
)

// Recipe is all that a deposit address is made of, in words.
type Recipe = chain.Recipe

// Recipe computes where the forwarder of salt and destination lies on a network: 64 hex digits, with
// or without 0x, and an address. It asks neither the database nor the chain.
func (e *Engine) Recipe(network, salt, destination string) (Recipe, error) {
	n, ok := e.Network(network)
	if !ok {
		return Recipe{}, payment.Invalid("chain", "no such network")
	}
	parsed, err := chain.ParseSalt(salt)
	if err != nil {
		return Recipe{}, payment.Invalid("salt", chain.ErrSalt.Error())
	}
	if destination, err = n.Addresser.Normal(destination); err != nil {
		return Recipe{}, payment.Invalid("destination", "not an address of "+n.Title)
	}
	return n.Addresser.Recipe(parsed, destination)
}

// RecipeOf computes the address of an order or a static address again, from the salt and the
// destination that are stored with it. With today's configuration: under another factory it is
// another address. It returns the address that is stored as well.
func (e *Engine) RecipeOf(ctx context.Context, number string) (r Recipe, network, stored string, err error) {
	v, err := e.OrderByNumber(ctx, number)
	if err != nil {
		return r, "", "", err
	}
	if v.Address == "" {
		return r, "", "", payment.Refuse(payment.CodeNotFound, "the order has no address: its asset was not picked")
	}
	row, err := e.db.OrderAddress(ctx, query.OrderAddressParams{OrderID: cmp.Or(v.HomeID, v.ID), Family: v.Network.Family})
	if err != nil {
		return r, "", "", fmt.Errorf("address of order %s: %w", v.ID, err)
	}
	r, err = e.Recipe(v.Network.Name, row.Salt, row.Destination)
	return r, v.Network.Name, row.Address, err
}
