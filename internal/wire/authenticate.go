package wire

import (
	"errors"

	"florin/internal/engine"
)

// Authenticator knows the requests of one dialect's apps. Each dialect's API is one, so that what is
// no dialect's own, such as the event feed, is signed like everything else the app sends.
type Authenticator interface {
	// Authenticate returns the active app that signed r, over r.Raw and, where the dialect signs them,
	// method and target. A Content-Type is not asked of a request without a body. ErrUnsigned: r has
	// none of the dialect's headers, so it may be another's. ErrDenied: it has, and they are not good;
	// nothing tells which of them, and unknown apps take every step of known ones (threats W05). Any
	// other error is a fault of ours. Source and rate are the caller's to limit.
	Authenticate(r *Request) (engine.App, error)
}

// What Authenticate refuses with.
var (
	ErrUnsigned = errors.New("wire: not signed in this dialect")
	ErrDenied   = errors.New("wire: not authenticated")
)
