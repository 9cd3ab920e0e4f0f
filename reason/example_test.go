package reason_test

import (
	"fmt"

	"github.com/optimist-go/optimist/reason"
)

// A list of unsent operations shows the sentence of each, and picks its button by the kind.
func ExampleReason() {
	for _, r := range []reason.Reason{ // as OpSnapshot.Reason has them
		{Kind: reason.Network},
		{Kind: reason.Decision},
		{Kind: reason.Lane, Operation: "7", Entity: "post:42"},
	} {
		button := "cancel"
		if r.Kind == reason.Decision && r.Operation == "" {
			button = "retry or discard"
		}
		fmt.Printf("%v [%s]\n", r, button)
	}
	// Output:
	// there is no network [cancel]
	// it failed, and somebody has to retry, edit or discard it [retry or discard]
	// operation 7 of post:42 goes first [cancel]
}
