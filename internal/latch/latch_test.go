package latch

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNobodyIsInsideWithAnother(t *testing.T) {
	m := New()
	n, inside := 0, 0
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 20_000 {
				switch {
				case g%2 == 0:
					m.Lock()
				case !m.LockWithin(time.Hour):
					t.Error("it gave up")
					return
				}
				if inside++; inside != 1 {
					t.Error("two are inside")
				}
				for range i % 64 {
					n++
				}
				n++
				inside--
				m.Unlock()
			}
		})
	}
	all.Wait()
	if m.state.Load() != free || m.hurried.Load() != 0 {
		t.Errorf("state %d, %d in a hurry", m.state.Load(), m.hurried.Load())
	}
	m.Lock()
	m.Unlock()
}

func TestLockWithinGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		m.Lock()
		before := time.Now()
		if m.LockWithin(5 * time.Second) {
			t.Fatal("two hold it")
		}
		if took := time.Since(before); took != 5*time.Second {
			t.Errorf("it gave up after %v", took)
		}
		m.Unlock()
		if !m.LockWithin(time.Second) {
			t.Fatal("it is free")
		}
		m.Unlock()
	})
}

// A lock that is given back is not stuck, also if others take it first.
func TestLockWithinIsPatientWithMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		m.Lock()
		got := make(chan bool)
		for range 10 {
			go func() {
				ok := m.LockWithin(5 * time.Second)
				if ok {
					time.Sleep(4 * time.Second)
					m.Unlock()
				}
				got <- ok
			}()
		}
		synctest.Wait()
		time.Sleep(4 * time.Second)
		m.Unlock()
		for range 10 {
			if !<-got {
				t.Error("it gave up")
			}
		}
	})
}

// Who holds it for long may get on nevertheless.
func TestLockWithinSeesWhoGetsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		m.Lock()
		got := make(chan bool)
		go func() { got <- m.LockWithin(5 * time.Second) }()
		for range 10 {
			time.Sleep(3 * time.Second)
			m.GetOn()
		}
		m.Unlock()
		if !<-got {
			t.Error("it gave up")
		}
	})
}

// Who gives up leaves nothing behind that keeps others waiting.
func TestGivingUpIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		m.Lock()
		for range 3 {
			go m.LockWithin(time.Second)
		}
		done := make(chan struct{})
		go func() { m.Lock(); m.Unlock(); close(done) }()
		time.Sleep(10 * time.Second)
		m.Unlock()
		<-done
	})
}

func TestUnlockOfWhatIsFreePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	m := New()
	m.Unlock()
}

func bench(b *testing.B, l sync.Locker) {
	n := 0
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Lock()
			for range 200 {
				n++
			}
			l.Unlock()
		}
	})
}

func BenchmarkLatch(b *testing.B) { m := New(); bench(b, &m) }
func BenchmarkMutex(b *testing.B) { bench(b, new(sync.Mutex)) }
