package client

import (
	"context"

	"github.com/optimist-go/optimist/engagement/wire"
)

// CurrentSession asks the server which user is signed in.
func CurrentSession(ctx context.Context, t Transport) (wire.Session, error) {
	return read(ctx, t, "GET", "/v1/session", nil, wire.DecodeSession)
}

// SignIn opens a session. The transport keeps its cookie.
func SignIn(ctx context.Context, t Transport, name string) (wire.Session, error) {
	if err := wire.CheckName("name", name); err != nil {
		return wire.Session{}, err
	}
	return read(ctx, t, "POST", "/v1/session", wire.SignIn{Name: name}, wire.DecodeSession)
}

// SignOut ends the session. The Service of its user must have been closed.
func SignOut(ctx context.Context, t Transport) error {
	_, err := read(ctx, t, "DELETE", "/v1/session", nil, func([]byte) (struct{}, error) { return struct{}{}, nil })
	return err
}
