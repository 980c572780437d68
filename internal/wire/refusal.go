package wire

import (
	"errors"
	"fmt"

	"florin/internal/payment"
)

// Denied is a refusal of a dialect's own, by its code: authentication, time, rate.
type Denied int

func (d Denied) Error() string { return fmt.Sprintf("wire: denied with code %d", int(d)) }

// Fault reports whether err is ours rather than the caller's: no refusal of the trade or of a dialect.
func Fault(err error) bool {
	return !errors.As(err, new(Denied)) && !errors.As(err, new(*payment.Error))
}

// Refusals are how a dialect says what failed.
type Refusals struct {
	// Codes has the dialect's code for every refusal of the trade.
	Codes map[payment.Code]int
	// Texts are what it says of each code.
	Texts map[int]string
	// Fields has what it calls the core's fields, where that is another name.
	Fields map[string]string
	// Fault is the code of what went wrong with us; nobody is told more.
	Fault int
}

// Of returns what the dialect says of a failed call, and the name of the field that was refused,
// "" for none.
func (r Refusals) Of(err error) (code int, text, field string) {
	code = r.Fault
	if denied := Denied(0); errors.As(err, &denied) {
		code = int(denied)
	} else if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		code, field = r.Codes[refusal.Code], refusal.Field
		if known, ok := r.Fields[field]; ok {
			field = known
		}
	}
	return code, r.Texts[code], field
}

// Calling returns err with a field of the core under the name it has in one call.
func Calling(err error, field, name string) error {
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeInvalidField && refusal.Field == field {
		return payment.Invalid(name, refusal.Text)
	}
	return err
}
