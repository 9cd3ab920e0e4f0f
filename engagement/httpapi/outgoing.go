package httpapi

import (
	"net/http"
	"time"
)

// answerTimeout is the longest time for writing an answer to its client, from its
// first byte.
const answerTimeout = time.Minute

// outgoing is the ResponseWriter of a request that runs. With the first byte of its
// answer the work is done: the request gives up its place among the running requests,
// and waits for its client from then on.
type outgoing struct {
	http.ResponseWriter
	come    *guest
	running *guest
	begun   bool
}

func (o *outgoing) Write(data []byte) (int, error) {
	if !o.begun {
		o.begun = true
		o.running.leave()
		control := http.NewResponseController(o.ResponseWriter)
		control.SetWriteDeadline(time.Now().Add(answerTimeout)) // the body may have taken long
		o.come.wait(func() { control.SetWriteDeadline(longAgo) })
	}
	return o.ResponseWriter.Write(data)
}

// Unwrap lets [http.ResponseController] reach the connection's methods.
func (o *outgoing) Unwrap() http.ResponseWriter { return o.ResponseWriter }
