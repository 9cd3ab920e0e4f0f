// Package optimist manages optimistic updates: a change shows at once, is sent to the
// server later, and is undone exactly if it fails.
//
// # Guarantees
//
// One idea carries everything:
//
//	view(entity) = fold(apply, truth(entity), unsettled operations, in order)
//
// There is no snapshot taken before a change and no inverse patch. Rolling back an
// operation is removing it and folding again; server truth that arrives under pending
// work replaces the base and nothing else.
//
//   - A call to Execute returns with the change in the view, before network and disk.
//   - Operations of one entity are sent one at a time, in the order accepted. Entities
//     never wait for each other, except for the limit on concurrent calls.
//   - With the default debounce, a burst of taps makes at most one call, and none if it
//     ends where the server already is. Taps during a call make at most one more.
//   - Every operation has one idempotency key for life, and ends exactly once.
//   - A failed operation leaves no trace in the view; later ones stay.
//   - Truth older than the truth held changes nothing, whichever way it came.
//   - A call whose outcome is unknown is repeated with the same key until it is known,
//     and is not reported as failed before that.
//
// docs/semantics.md numbers these laws and says the rest.
//
// # Not guaranteed
//
//   - Exactly-once effects need a server that honours the idempotency key.
//   - Functions that are data must be pure and must not call the manager; see below.
//   - Send must return when its context ends. One that does not keeps its lane, and
//     one of the places for calls, until it does.
//   - Values are shared, not copied. Nobody may change one in place.
//   - Flush and Close must not be called from a callback or closure, for which they wait.
//     A closure must not execute anything of its own entity.
//
// Who does it nevertheless does not wait for ever: the call returns ErrStuck after five
// seconds and names whose function it is. View, PendingCount and Snapshot, which return no
// error, then say that they know nothing, and an event of kind [event.Misused] tells why.
//
// # Functions that are data
//
// These functions of the program run under the manager's lock, in the middle of a change:
//
//   - of a [Mutation]: Apply, Guard, Slot, Fulfilled, Resolve, Undo, Clone and User; of its [Stored]:
//     Encode and Decode
//   - of a [Toggle]: Get, Set, Guard, Resolve, Encode and Decode
//   - of a [Group]: Parts, the functions of its parts, Undo, Clone, User, Encode and Decode
//   - the rules of [Merge]
//   - of [StoreOptions]: Equal and Lane
//   - of an [Index], and a function given to [Attached.Into]
//   - the methods of the errors that a function of the program returned, such as Error
//
// They are pure: the same input gives the same output, nothing is changed in place, and the
// manager is not called (Undo may Plan). Some of them run without the lock as well, in the goroutine of the
// call that needs them: Execute calls Slot, Clone, Encode and Parts before it takes the lock,
// while [Switch.Toggle] calls Encode under it, because the arguments are known only there.
//
// All other functions run without any lock: Send, Retry.Next, StoreOptions.Read, callbacks,
// closures, and the methods of a journal.
//
// # Two ways in
//
// Operations are data over a [Store], or closures for state that lives elsewhere. Data
// rebases exactly and can be journaled. Both run through the same engine, and every call
// gives a [Handle], which follows its operation to the end.
//
//	a type of operations   is made known by    and executed by         arguments
//	Mutation               Register            Action.Execute          a type of the program's
//	Toggle                 RegisterToggle      Switch.Toggle, Set      Switched: who, on or off
//	Group (of Parts)       RegisterGroup       GroupAction.Execute     a type of the program's
//	Update                 (each call alone)   Manager.Execute         captured by its closures
//	ToggleUpdate           (each call alone)   Manager.ExecuteToggle   captured by its closures
//
// A Group changes several entities in one operation: a Part for each. A Planned is a call
// of an Action that has not been made: [Manager.Batch] makes several in one step, each an
// operation of its own.
//
// # Concurrency
//
// Every method is safe for concurrent use. Callbacks (OnSuccess, OnError, OnChange)
// run outside every lock, never two at a time for one entity, in the order in which
// its operations ended, and may call the manager, but not Flush or Close. Closures (Apply,
// Rollback) run outside every lock as well, one at a time for one entity.
//
// A panic in a function of the program is contained, and told as a PanicError: by the call
// that it refuses (Apply, Guard, Slot, Clone, Encode), as the end of the operation (the same
// at a rebase, Resolve), as a failed attempt (Send), or by an event of kind [event.CallbackPanicked]
// (callbacks, closures, Merge rules, Fulfilled, Retry.Next, functions of a Store). When
// Mutation.User panics, the User in a Snapshot is empty.
//
// A function that ends its goroutine (runtime.Goexit, as t.FailNow and t.Fatal do in a
// program's tests) counts as one that panics, as far as nobody needs that goroutine: in
// Send, Retry.Next, StoreOptions.Read, callbacks and closures everything else goes on, in another goroutine
// or before this one ends. But Apply and the other functions that are data run in the
// middle of a change, which nobody can finish then: the manager is broken. It lets go of
// its lock and of the calls under way and sends nothing more; every call returns
// ErrBroken. Views stay as they were, perhaps without that change. Close still waits for
// callbacks and releases the journal, which keeps its operations for the next life.
//
// # Testing
//
// Time is package time: run the manager in a testing/synctest bubble. Package
// optimisttest has a scripted server and checks for a program's own mutations.
package optimist
