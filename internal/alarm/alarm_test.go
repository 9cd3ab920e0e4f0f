package alarm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/latch"
)

// bell is an alarm with its lock, and the times at which it rang.
type bell struct {
	mu    latch.Mutex
	alarm Alarm
	began time.Time
	rang  []time.Duration
}

func newBell() *bell {
	return &bell{mu: latch.New(), alarm: New(nil), began: time.Now()}
}

func (b *bell) now() engine.Time { return engine.Time(time.Since(b.began)) }

func (b *bell) setLocked(at time.Duration) {
	b.alarm.ring = func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.alarm.Rung() {
			b.rang = append(b.rang, time.Since(b.began))
		}
	}
	b.alarm.Set(engine.Time(at), b.now())
}

func TestRingsAtTheLatestTimeSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBell()
		b.mu.Lock()
		b.setLocked(5 * time.Second)
		b.setLocked(2 * time.Second)
		b.setLocked(3 * time.Second)
		b.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "rings", len(b.rang), 1)
		equal(t, "rang at", b.rang[0], 3*time.Second)
		equal(t, "is set", b.alarm.at != engine.Never, false)
	})
}

func TestATickThatComesLateIsNotTakenForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBell()
		b.mu.Lock()
		b.setLocked(time.Second)
		time.Sleep(2 * time.Second) // it has fired, and waits for the lock
		b.setLocked(time.Hour)
		b.mu.Unlock()
		synctest.Wait()
		b.mu.Lock()
		equal(t, "is set to", b.alarm.at, engine.Time(time.Hour))
		b.mu.Unlock()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		equal(t, "last ring", b.rang[len(b.rang)-1], time.Hour)
	})
}

func TestStoppedForGoodItWaitsForLateTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBell()
		b.mu.Lock()
		b.setLocked(time.Second)
		time.Sleep(2 * time.Second)
		stopped := b.alarm.Stop()
		select {
		case <-stopped:
			t.Error("a tick waits for the lock, and the alarm says that none does")
		default:
		}
		b.mu.Unlock()
		<-stopped
		b.mu.Lock()
		b.setLocked(time.Hour)
		<-b.alarm.Stop()
		b.mu.Unlock()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		equal(t, "rings", len(b.rang), 0)
	})
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
