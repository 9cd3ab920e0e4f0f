package engagement

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Session is the proof that a client acts for a user.
type Session struct {
	// ID names the session, so that it can be ended before it expires.
	ID   string
	User string
	// ExpiresAt is in milliseconds since the Unix epoch.
	ExpiresAt int64
}

// SessionSeal turns sessions into tokens that cannot be made without its secret.
// It is immutable and safe for concurrent use.
type SessionSeal struct {
	secret []byte
}

// SecretSize is the size in bytes of the secret of a SessionSeal.
const SecretSize = 32

// maxToken is the greatest size of a token in bytes; longer ones are refused
// unread.
const maxToken = 256

// NewSessionSeal returns a seal with the secret, which must be of SecretSize.
func NewSessionSeal(secret []byte) (SessionSeal, error) {
	if len(secret) != SecretSize {
		return SessionSeal{}, &Error{Code: Internal, Message: "the session secret must be of 32 bytes"}
	}
	return SessionSeal{secret: secret}, nil
}

// Token returns the session in a form that Open accepts.
func (s SessionSeal) Token(session Session) string {
	text := strings.Join([]string{"1", session.ID, session.User, strconv.FormatInt(session.ExpiresAt, 10)}, " ")
	return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + s.sign(text)
}

// Open returns the session of a token. A token that is malformed, made by another
// seal, or expired at now (milliseconds since the Unix epoch) is Unauthenticated.
func (s SessionSeal) Open(token string, now int64) (Session, error) {
	refused := &Error{Code: Unauthenticated, Message: "the session is not valid"}
	body, mac, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxToken {
		return Session{}, refused
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || !hmac.Equal([]byte(mac), []byte(s.sign(string(text)))) {
		return Session{}, refused
	}
	parts := strings.Split(string(text), " ")
	if len(parts) != 4 || parts[0] != "1" || wire.CheckName("user", parts[2]) != nil {
		return Session{}, refused
	}
	expires, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return Session{}, refused
	}
	if now >= expires {
		return Session{}, &Error{Code: Unauthenticated, Message: "the session has expired"}
	}
	return Session{ID: parts[1], User: parts[2], ExpiresAt: expires}, nil
}

func (s SessionSeal) sign(text string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("session " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
