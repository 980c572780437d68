// Florin is a payment gateway that merchants run themselves. This file only starts it; what the
// commands do is in internal/app.
package main

import (
	"os"

	"florin/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
