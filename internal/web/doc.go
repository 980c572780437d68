// Package web is what the pages for people share: the layout, the colour
// tokens, hashed and precompressed assets, the security headers, the text
// catalogue, error pages, and the limits per source address. It knows nothing
// of payments. Pages are whole without script; nothing is ever loaded from
// another origin except an image that a page names to its policy.
package web
