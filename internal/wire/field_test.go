package wire

import (
	"slices"
	"testing"
)

func TestFieldsOfOtherTypes(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
		ok   bool
	}{
		{`{"a":["x","y\u0041","z, ]"]}`, []string{"x", "yA", "z, ]"}, true},
		{"{\"a\":[ \"x\" ,\n\t\"y\" ]}", []string{"x", "y"}, true},
		{`{"a":[]}`, nil, true}, {`{"a":[ ]}`, nil, true}, {`{"a":null}`, nil, true}, {`{}`, nil, true},
		{`{"a":"x"}`, nil, false}, {`{"a":["x",1]}`, nil, false}, {`{"a":[["x"]]}`, nil, false}, {`{"a":{}}`, nil, false}, {`{"a":[null]}`, nil, false},
	} {
		object, err := ParseObject(c.text, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		f := NewFields(object)
		if got := f.Strings("a"); !slices.Equal(got, c.want) || (f.Err() == nil) != c.ok {
			t.Errorf("%s: %q, %v", c.text, got, f.Err())
		}
	}
	for text, want := range map[string]bool{`{"a":true}`: true, `{"a":false}`: false, `{"a":null}`: false, `{}`: false} {
		object, err := ParseObject(text, nil)
		f := NewFields(object)
		if got := f.Bool("a"); got != want || err != nil || f.Err() != nil {
			t.Errorf("%s: %v, %v, %v", text, got, err, f.Err())
		}
	}
	for _, text := range []string{`{"a":1}`, `{"a":"true"}`, `{"a":[true]}`} {
		object, _ := ParseObject(text, nil)
		f := NewFields(object)
		if f.Bool("a"); f.Err() == nil {
			t.Errorf("%s is taken for a truth", text)
		}
	}
}
