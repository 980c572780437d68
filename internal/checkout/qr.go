package checkout

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"rsc.io/qr"
)

// code is a QR code as one SVG path in a square of Size modules, the quiet zone
// of four modules around it included.
type code struct {
	Size int
	Path string
}

const quietZone = 4

// qrCode draws text. Each row is a line of dashes: "h7" a run of seven dark
// modules, "m2 0" a step over two light ones.
func qrCode(text string) (code, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return code{}, fmt.Errorf("draw QR code: %w", err)
	}
	var path strings.Builder
	for y := range c.Size {
		at := -1 // where the pen is; -1 before the row's first run
		for x := 0; x < c.Size; x++ {
			if !c.Black(x, y) {
				continue
			}
			end := x
			for c.Black(end, y) { // white outside the code
				end++
			}
			if at < 0 {
				fmt.Fprintf(&path, "M%d %d.5", x+quietZone, y+quietZone)
			} else {
				fmt.Fprintf(&path, "m%d 0", x-at)
			}
			path.WriteString("h" + strconv.Itoa(end-x))
			at, x = end, end
		}
	}
	return code{Size: c.Size + 2*quietZone, Path: path.String()}, nil
}

// uri marks a payment URI that evmRequest built as fit for a link; the template
// would refuse its scheme.
func uri(r request) template.URL { return template.URL(r.URI) } //nolint:gosec // built from checked parts
