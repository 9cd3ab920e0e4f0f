package wire

// Names of server-sent events on /v1/events. The id of an event is a Position
// in the stream; a client that reconnects with it as Last-Event-ID (or after=)
// misses no change.
const (
	// EventHello opens every connection. Its data is Hello.
	EventHello = "hello"

	// EventTruth says that a post changed. Its data is Truth for this viewer.
	// Changes of one post may be folded into one event, which tells the latest.
	EventTruth = "truth"

	// EventReset says that the server no longer knows the requested position: the
	// client's posts may be stale and have to be read anew. Its data is Hello.
	EventReset = "reset"

	// EventBeat says that the connection lives. Its data is an empty object.
	EventBeat = "beat"
)

// Hello is the data of EventHello and EventReset.
type Hello struct {
	// After is the position from which the stream goes on.
	After string `json:"after"`

	// Viewer is the user for whom truth is told; empty when no user is signed in.
	Viewer string `json:"viewer"`
}
