package audience

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
)

// next reads all that is there, a loss as its negative count.
func next(t *testing.T, s *Subscriber[int]) (all []int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		// A wake that waits may be chosen before the end of ctx, or after it.
		event, missed, ok := s.Next(ctx)
		if !ok {
			return all
		}
		if missed > 0 {
			event = -missed
		}
		all = append(all, event)
	}
}

func even(n int) (int, bool) { return n * 10, n%2 == 0 }

func TestSubscribersHearTheEventsTheyWantInOrder(t *testing.T) {
	var a Audience[int]
	all, some := NewSubscriber(Wants[int]{Buffer: 9}), NewSubscriber(Wants[int]{Buffer: 9, Choose: even})
	a.Tell(1)
	a.Subscribe(all)
	a.Tell(2)
	a.Subscribe(some)
	for n := 3; n <= 6; n++ {
		a.Tell(n)
	}
	a.Unsubscribe(all)
	a.Tell(8)
	if got := next(t, all); !slices.Equal(got, []int{2, 3, 4, 5, 6}) {
		t.Errorf("one that wants all heard %v", got)
	}
	if got := next(t, some); !slices.Equal(got, []int{40, 60, 80}) {
		t.Errorf("one that wants even numbers heard %v", got)
	}
}

func TestASlowSubscriberIsToldHowMuchItHasMissed(t *testing.T) {
	var a Audience[int]
	slow := NewSubscriber(Wants[int]{Buffer: 2})
	a.Subscribe(slow)
	for n := 1; n <= 5; n++ {
		a.Tell(n)
	}
	if got := next(t, slow); !slices.Equal(got, []int{-3, 4, 5}) {
		t.Errorf("it got %v", got)
	}
	a.Tell(6)
	if got := next(t, slow); !slices.Equal(got, []int{6}) || slow.buffer != nil {
		t.Errorf("then it got %v, and keeps room for %d", got, cap(slow.buffer))
	}
}

func TestAnAudienceKnowsWhoListens(t *testing.T) {
	var a Audience[int]
	is := func(when string, empty, subscribed, watched, detailed bool) {
		t.Helper()
		if a.Empty() != empty || a.Subscribed() != subscribed || a.Watched() != watched || a.Detailed() != detailed {
			t.Errorf("%s: empty %v, subscribed %v, watched %v, detailed %v", when, a.Empty(), a.Subscribed(), a.Watched(), a.Detailed())
		}
	}
	is("at first", true, false, false, false)
	a.AddWatchers(1)
	is("watched", false, false, true, false)
	plain, curious := NewSubscriber(Wants[int]{}), NewSubscriber(Wants[int]{Details: true})
	a.Subscribe(plain)
	a.AddWatchers(-1)
	is("one subscriber", false, true, false, false)
	a.Subscribe(curious)
	is("two", false, true, false, true)
	a.Unsubscribe(curious)
	a.Unsubscribe(curious)
	is("one again", false, true, false, false)
	a.UnsubscribeAll()
	is("at last", true, false, false, false)
	if _, _, ok := plain.Next(t.Context()); ok {
		t.Error("it was not closed")
	}
}

func TestAClosedSubscriberReadsItsBuffer(t *testing.T) {
	s := NewSubscriber(Wants[int]{Buffer: 2})
	s.Add(1)
	s.Add(2)
	s.Close()
	s.Close()
	if got := next(t, s); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("it read %v", got)
	}
}

// One wake may stand for several events, and for the end: a reader that has slept wakes
// the next one.
func TestReadersWakeOneAnother(t *testing.T) {
	s := NewSubscriber(Wants[int]{Buffer: 2})
	s.Add(1)
	s.Add(2)
	<-s.more // a reader slept
	if s.Next(t.Context()); len(s.more) != 1 {
		t.Error("it leaves another asleep beside an event")
	}
	<-s.more
	if s.Next(t.Context()); len(s.more) != 0 {
		t.Error("it wakes another for nothing")
	}
	s.Close()
	<-s.more
	if s.Next(t.Context()); len(s.more) != 1 {
		t.Error("it leaves another asleep after the end")
	}
}

func TestASleepingReaderWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, read := NewSubscriber(Wants[int]{}), make(chan int, 1)
		go func() {
			event, _, _ := s.Next(t.Context())
			read <- event
		}()
		synctest.Wait()
		s.Add(1)
		if got := <-read; got != 1 {
			t.Errorf("it read %d", got)
		}
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s, ended := NewSubscriber(Wants[int]{}), make(chan bool, 1)
		go func() {
			_, _, ok := s.Next(ctx)
			ended <- ok
		}()
		synctest.Wait()
		cancel()
		if <-ended {
			t.Error("there was an event")
		}
	})
}

func TestTellingNeedsNoLock(t *testing.T) {
	var a Audience[int]
	always := NewSubscriber(Wants[int]{Buffer: 1000})
	a.Subscribe(always)
	done := make(chan bool)
	go func() {
		for n := range 1000 {
			a.Tell(n)
		}
		done <- true
	}()
	for range 1000 { // others come and go meanwhile
		s := NewSubscriber(Wants[int]{})
		a.Subscribe(s)
		a.Unsubscribe(s)
	}
	<-done
	if got := next(t, always); len(got) != 1000 || !slices.IsSorted(got) {
		t.Errorf("one who stayed heard %d of 1000, sorted: %v", len(got), slices.IsSorted(got))
	}
}

func TestWatchersWakeOnceHoweverOftenTheyAreWoken(t *testing.T) {
	var w Watchers
	w.Wake()
	one, other := w.Join(), w.Join()
	w.Wake()
	w.Wake()
	if len(one) != 1 || len(other) != 1 {
		t.Errorf("%d and %d wakes", len(one), len(other))
	}
	<-one
	if w.Leave(other) {
		t.Error("the first to leave was the last")
	}
	<-other
	if w.Wake(); len(one) != 1 || len(other) != 0 {
		t.Errorf("%d wakes, and %d of one who has left", len(one), len(other))
	}
	if !w.Leave(one) {
		t.Error("the last to leave was not the last")
	}
}
