package list

import (
	"testing"
	"time"
)

// A row goes, nobody says where in the feed, and comes back at position 7. Then 7 is told again:
// that is where it came back, and not where it went.
func TestTheLatestChangeOfARowIsTheOneThatIsPlaced(t *testing.T) {
	began := time.Unix(100, 0)
	totals := totals{ahead: make(map[string]int), doubted: make(map[string]bool), guessed: make(map[string]bool)}
	totals.tell(5, 3, moment{at: began})
	totals.settle(difference{id: "a", by: -1, came: moment{at: began.Add(1)}})
	totals.settle(difference{id: "a", by: 1, position: 7, came: moment{at: began.Add(2)}})
	totals.place("a", 7, true)
	totals.tell(5, 6, moment{at: began.Add(2)}) // when the row was gone
	if got, want := totals.now(), (Total{N: 6, Known: true, Exact: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A total contains a creation by its position. One that is read after that contains it as well,
// also without a position.
func TestACreationInOneTotalIsInTheNext(t *testing.T) {
	began := time.Unix(100, 0)
	totals := totals{ahead: make(map[string]int), doubted: make(map[string]bool), guessed: make(map[string]bool)}
	totals.tell(5, 7, moment{at: began})
	totals.appear(7, true, moment{at: began.Add(2)})
	totals.tell(5, 0, moment{at: began.Add(1)})
	if got, want := totals.now(), (Total{N: 5, Known: true, Exact: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A row goes, nobody says where in the feed, and comes back at position 5. A total as of 6 has both,
// whether they come before it or after it.
func TestATotalContainsWhatCameBeforeAChangeOfIt(t *testing.T) {
	for _, late := range []bool{false, true} {
		began := time.Unix(100, 0)
		totals := totals{ahead: make(map[string]int), doubted: make(map[string]bool), guessed: make(map[string]bool)}
		totals.tell(5, 3, moment{at: began})
		change := func() {
			totals.settle(difference{id: "a", by: -1, came: moment{at: began.Add(2)}})
			totals.settle(difference{id: "a", by: 1, position: 5, came: moment{at: began.Add(3)}})
		}
		if !late {
			change()
		}
		totals.tell(5, 6, moment{at: began.Add(1)})
		if late {
			change()
		}
		if got, want := totals.now(), (Total{N: 5, Known: true, Exact: true}); got != want {
			t.Errorf("late %v: %+v, want %+v", late, got, want)
		}
	}
}

// TestATotalContainsWhatCameBeforeALaterTruth: of a change that is no later than a truth which the
// total contains, also where the position of no change is known.
func TestATotalContainsWhatCameBeforeALaterTruth(t *testing.T) {
	began := time.Unix(100, 0)
	totals := totals{ahead: make(map[string]int), doubted: make(map[string]bool), guessed: make(map[string]bool)}
	totals.tell(5, 3, moment{at: began})
	totals.settle(difference{id: "a", by: -1, came: moment{at: began.Add(2)}})
	totals.settle(difference{id: "a", by: 1, came: moment{at: began.Add(3)}})
	totals.place("a", 5, false)
	totals.tell(5, 6, moment{at: began.Add(1)})
	if got, want := totals.now(), (Total{N: 5, Known: true, Exact: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
