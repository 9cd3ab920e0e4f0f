package check

import "context"

// checks are the lines of a report, in their order.
var checks = []struct {
	name, want string
	ask        func(*run, context.Context) (seen string, err error)
}{
	{"session", "An operation of nobody is refused with 401.", (*run).checkSession},
	{"wanted-state", "The same wish with a new key changes nothing.", (*run).checkWanted},
	{"key-same", "A key that comes again with the same payload is answered the same, and has one effect.", (*run).checkKeySame},
	{"key-other", "A key that comes again with another payload is refused, and has no further effect.", (*run).checkKeyOther},
	{"key-race", "Equal requests at the same time have one effect; they wait or are answered with 409.", (*run).checkKeyRace},
	{"key-free", "A refused operation leaves its key free.", (*run).checkKeyFree},
	{"key-crash", "After a crash each operation that is sent again has had one effect.", (*run).checkKeyCrash},
	{"versions", "A version grows with each visible change and with nothing else, and never goes back.", (*run).checkVersions},
	{"answer-truth", "The truth that answers an operation contains it, also when it is sent again.", (*run).checkAnswer},
	{"conflict-truth", "A conflict is answered with 409, and with the truth that it lost against.", (*run).checkConflict},
	{"older-stamp", "An operation that is older than the one before changes nothing.", (*run).checkOlder},
	{"feed-live", "A stream tells of every change, also when many are made at the same time.", (*run).checkLive},
	{"feed-resume", "A stream goes on after the last position, without a hole.", (*run).checkResume},
	{"feed-gap", "A position that the server does not know is refused, or answered with a reset.", (*run).checkGap},
	{"feed-order", "The versions of one entity ascend in a stream.", (*run).checkOrder},
	{"other-process", "Another process shows the effects of operations that one has answered, and resumes its streams.", (*run).checkAlso},
	{"bad-requests", "What is wrong with a request is answered with 400 to 499 and a problem, and changes nothing.", (*run).checkBad},
	{"retry-after", "Answers of 429 and 503 say when to come again.", (*run).checkRetryAfter},
}
