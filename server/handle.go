package server

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of operations.
const (
	// HeaderKey names an operation in its request: 1 to 128 visible ASCII characters, in
	// double quotes or without.
	HeaderKey = "Idempotency-Key"
	// HeaderKeyAge tells, on a request whose key was sent before, for how many seconds the client
	// has not known whether the operation was carried out. It is a whole number; without it
	// the key is new, or its sender does not know. See [WithKeyAge].
	HeaderKeyAge = "Idempotency-Key-Age"
	// HeaderReplayed is "true" on the answer to an operation that an earlier request with
	// the same key has carried out.
	HeaderReplayed = "Idempotency-Replayed"
)

const (
	// longestKey is in bytes.
	longestKey = 128
	// largestBody is in bytes.
	largestBody = 64 << 10
)

// Handle returns a handler that carries out the named operation. decode reads its arguments
// from the request, usually with [JSON]; the body is at most 64 KiB large. An error of
// decode refuses the request as [ProblemOf] says.
//
// The request needs a user (see Options.User) and the header Idempotency-Key. The answer is
// made by [Kit.Reply]. A program that needs another handler calls [KeyOf], [KeyAgeOf], [Kit.Apply]
// and [Kit.Reply] itself.
func (k *Kit) Handle(name string, decode func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := k.user(r)
		if err == nil && user == "" {
			err = &Refusal{Status: http.StatusUnauthorized, Detail: "an operation needs a user who is signed in"}
		}
		if err != nil {
			k.refuse(w, r, err)
			return
		}
		key, err := KeyOf(r)
		var age time.Duration
		if err == nil {
			age, err = KeyAgeOf(r)
		}
		if err != nil {
			k.refuse(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, largestBody)
		var args any
		err = guard(func() (err error) {
			args, err = decode(r)
			return err
		})
		if err != nil {
			k.refuse(w, r, err)
			return
		}
		outcome, err := k.Apply(WithKeyAge(r.Context(), age), name, user, key, args)
		k.Reply(r.Context(), name, user, args, outcome, err).Write(w)
	})
}

// user asks the program who sent the request.
func (k *Kit) user(r *http.Request) (user string, err error) {
	if k.options.User == nil {
		return "", errNoUser
	}
	err = guard(func() (err error) {
		user, err = k.options.User(r)
		return err
	})
	return user, err
}

// KeyOf reads the header Idempotency-Key: a string in double quotes as the IETF draft has
// it, or the bare characters, as most clients send it. The error is a [*Refusal].
func KeyOf(r *http.Request) (string, error) {
	values := r.Header.Values(HeaderKey)
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return "", &Refusal{Status: http.StatusBadRequest, Type: ProblemKeyMissing, Detail: "an operation needs the header " + HeaderKey}
	}
	key := values[0]
	if inner, ok := strings.CutPrefix(key, `"`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			key = inner
		}
	}
	ok := len(values) == 1 && key != "" && len(key) <= longestKey
	for i := 0; ok && i < len(key); i++ {
		ok = key[i] > ' ' && key[i] < 0x7f && key[i] != '"' && key[i] != '\\' && key[i] != ','
	}
	if !ok {
		return "", badRequest(HeaderKey + " must come once, as 1 to 128 visible ASCII characters without quotes, commas and backslashes")
	}
	return key, nil
}

// KeyAgeOf reads the header Idempotency-Key-Age, and is 0 without it. The error is a [*Refusal].
func KeyAgeOf(r *http.Request) (time.Duration, error) {
	values := r.Header.Values(HeaderKeyAge)
	if len(values) == 0 {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(values[0], 10, 63)
	if len(values) > 1 || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, badRequest(HeaderKeyAge + " must come once, as a whole number of seconds")
	}
	return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second, nil
}
