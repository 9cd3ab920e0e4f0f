package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Apply carries out the operation of that name exactly once: see the guarantees of the
// package. User and key identify it. The error is a [*Refusal] of the program or of the
// Kit itself, or wraps [ErrBusy], [ErrUnavailable] or [ErrUnsure], or is ctx.Err(), or is a
// fault of the program. After any error but a [*Refusal] the operation may have been carried out:
// call Apply again with the same key.
func (k *Kit) Apply(ctx context.Context, name, user, key string, args any) (Outcome, error) {
	f, err := k.newFlight(ctx, name, user, key, args)
	if err != nil {
		return Outcome{}, err
	}
	for {
		first := k.flights.enter(f)
		if first != f {
			if outcome, err, settled := first.joined(ctx, f); settled {
				return outcome, err
			}
			continue // the other flight was not carried out: this one's turn
		}
		if !k.work.do(func(ctx context.Context) { f.operation.carryOut(ctx, f) }) {
			k.flights.land(f, Outcome{}, errClosed())
		}
		select {
		case <-f.landed:
			return f.outcome, f.err
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		}
	}
}

type keyAge struct{}

// WithKeyAge is a context for [Kit.Apply] that tells for how long the client has not known whether
// an earlier call with the same key was carried out: how long ago it sent the first one. A key that
// is not known, and may have been forgotten since, is refused with [ProblemKeyExpired].
func WithKeyAge(ctx context.Context, age time.Duration) context.Context {
	return context.WithValue(ctx, keyAge{}, age)
}

func keyAgeIn(ctx context.Context) time.Duration {
	age, _ := ctx.Value(keyAge{}).(time.Duration)
	return age
}

// ErrUnsure says that an operation may have been carried out: the database was lost while its
// transaction ended, or the [Kit] was closed. A call with the same key tells.
var ErrUnsure = errors.New("nobody knows whether the operation was carried out")

func errClosed() error { return fmt.Errorf("server: the kit is closed: %w", ErrUnavailable) }

// newFlight makes all checks that need no database.
func (k *Kit) newFlight(ctx context.Context, name, user, key string, args any) (*flight, error) {
	o := k.operations[name]
	switch {
	case o == nil:
		return nil, fmt.Errorf("server: no operation %q is registered", name)
	case !o.takes(args):
		return nil, fmt.Errorf("server: the operation %q does not take arguments of type %T", name, args)
	case user == "":
		return nil, &Refusal{Status: 401, Detail: "sign in first"}
	case key == "":
		return nil, &Refusal{Status: 400, Type: ProblemKeyMissing, Detail: "an operation needs a key"}
	case !isText(user) || !isText(key):
		return nil, badRequest("a key is text in UTF-8, without zero bytes")
	}
	payload, err := json.Marshal([]any{name, args})
	if err != nil {
		return nil, fmt.Errorf("server: the arguments of the operation %q have no JSON, by which payloads are told apart: %w", name, err)
	}
	sum := sha256.Sum256(payload)
	f := &flight{
		ctx: ctx, operation: o, key: Key{user, key, hex.EncodeToString(sum[:16])}, age: keyAgeIn(ctx), args: args, landed: make(chan struct{}),
	}
	if err := guard(func() error { f.entities = distinct(o.entities(args)); return nil }); err != nil {
		return nil, fmt.Errorf("server: the entities of the operation %q: %w", name, err)
	}
	if len(f.entities) == 0 || slices.Contains(f.entities, "") {
		return nil, fmt.Errorf("server: the operation %q names no entity, or one without id: %q", name, f.entities)
	}
	if slices.ContainsFunc(append([]string{user, key}, f.entities...), func(text string) bool { return len(text) > longestName }) {
		return nil, badRequest(fmt.Sprintf("a user, a key and an id are at most %d bytes long", longestName))
	}
	if !isTexts(f.entities) {
		return nil, badRequest("an id is text in UTF-8, without zero bytes")
	}
	return f, nil
}

// longestName is the greatest length of a user, a key and an entity's id, in bytes: two
// such texts fit into a row of every index.
const longestName = 512

// isText reports whether all databases can keep the text.
func isText(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func isTexts(texts []string) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !isText(text) })
}

// distinct returns the ids in their order, each once.
func distinct(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// fault is an error of the program's own functions. The client is answered with 500.
type fault struct{ error }

func (e fault) Unwrap() error { return e.error }

// guard calls a function of the program and turns a panic into a fault.
func guard(f func() error) (err error) {
	defer func() {
		if caught := recover(); caught != nil { // nil after runtime.Goexit: see limited
			// %v and not %w: a panic with an error must not look like an error of the kit.
			err = fault{fmt.Errorf("a function of the program panicked: %v", caught)}
		}
	}()
	return f()
}
