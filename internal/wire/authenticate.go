package wire

import (
	"errors"

	"florin/internal/engine"
)

// Authenticator knows the requests of one dialect's apps. Each dialect's API is one, so that what is
// no dialect's own, such as the event feed, is signed like everything else the app sends.
type Authenticator interface {
	// Authenticate returns the active app that signed r, which has no body. In dialects that sign the
	// body alone, the target of the request line stands in its place: a signature of one of the
	// dialect's own calls, whose bodies begin otherwise, opens nothing else (threats W07). A
	// Content-Type is not asked for. ErrUnsigned: r has none of the dialect's headers, so it may be
	// another's. ErrDenied: it has, and they are not good, or r has a body; nothing tells which, and
	// unknown apps take every step of known ones (threats W05). Any other error is a fault of ours.
	// Source and rate are the caller's to limit.
	Authenticate(r *Request) (engine.App, error)
}

// What Authenticate refuses with.
var (
	ErrUnsigned = errors.New("wire: not signed in this dialect")
	ErrDenied   = errors.New("wire: not authenticated")
)
