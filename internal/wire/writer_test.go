package wire

import (
	"testing"
	"time"
)

func TestWriter(t *testing.T) {
	var w Writer
	w.String(`{"name":`, "Tea & <Cake>\b")
	w.Int(`,"code":`, -1)
	w.Bool(`,"fee":`, false)
	w.Time(`,"paid":`, time.Time{})
	w.Time(`,"made":`, time.Unix(1773750074, 999_999_999))
	w.List(`,"none":`).End()
	list := w.List(`,"list":`)
	for _, s := range []string{"a", "b"} {
		list.Next()
		w.String("", s)
	}
	list.End()
	w.Raw("}")
	const want = `{"name":"Tea & <Cake>\b","code":-1,"fee":false,"paid":0,"made":1773750074,"none":[],"list":["a","b"]}`
	if string(w.B) != want {
		t.Errorf("%s, want %s", w.B, want)
	}
}
