package web

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tokens returns the colour tokens of the light and of the dark scheme.
func tokens(t *testing.T) map[string]map[string]string {
	t.Helper()
	light, dark, found := strings.Cut(tokensCSS, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("tokens.css has no dark scheme")
	}
	token := regexp.MustCompile(`(--[a-z-]+): (#[0-9a-f]{6});`)
	schemes := map[string]map[string]string{"light": {}, "dark": {}}
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		for _, m := range token.FindAllStringSubmatch(text, -1) {
			schemes[scheme][m[1]] = m[2]
		}
	}
	return schemes
}

// luminance is WCAG 2.2's relative luminance of #rrggbb.
func luminance(colour string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			panic(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// TestContrast computes WCAG AA for every pair of colours that pages put on
// each other, in both schemes.
func TestContrast(t *testing.T) {
	text := map[string][]string{ // text at 4.5:1: colour → the surfaces it stands on
		"--ink":       {"--canvas", "--panel", "--sunken", "--accent-soft"},
		"--muted":     {"--canvas", "--panel", "--sunken", "--accent-soft"},
		"--accent":    {"--canvas", "--panel", "--sunken", "--accent-soft"},
		"--on-accent": {"--accent", "--accent-over"},
		"--good":      {"--panel", "--sunken", "--good-soft"},
		"--warn":      {"--canvas", "--panel", "--warn-soft"},
		"--bad":       {"--panel", "--bad-soft"},
	}
	parts := map[string][]string{ // controls, signs and focus rings at 3:1
		"--edge":   {"--canvas", "--panel", "--sunken"},
		"--accent": {"--line"},
		"--panel":  {"--good"},
	}
	for scheme, token := range tokens(t) {
		check := func(pairs map[string][]string, least float64) {
			for front, backs := range pairs {
				for _, back := range backs {
					if token[front] == "" || token[back] == "" {
						t.Fatalf("%s: no token %s or %s", scheme, front, back)
					}
					if c := contrast(token[front], token[back]); c < least {
						t.Errorf("%s: %s on %s is %.2f:1, least %.1f:1", scheme, front, back, c, least)
					}
				}
			}
		}
		check(text, 4.5)
		check(parts, 3)
	}
}

// TestContrastFormula checks the computation against WCAG's own figures.
func TestContrastFormula(t *testing.T) {
	for pair, want := range map[[2]string]string{
		{"#000000", "#ffffff"}: "21.00",
		{"#777777", "#ffffff"}: "4.48", // the well-known grey that just fails
		{"#767676", "#ffffff"}: "4.54",
	} {
		if got := fmt.Sprintf("%.2f", contrast(pair[0], pair[1])); got != want {
			t.Errorf("contrast of %v is %s, want %s", pair, got, want)
		}
	}
}
