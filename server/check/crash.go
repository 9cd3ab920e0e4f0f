package check

import (
	"context"
	"fmt"
	"sync"
	"time"
)

func (r *run) checkKeyCrash(ctx context.Context) (string, error) {
	if r.Restart == nil {
		return "", gap("needs a command that kills the server and starts it again")
	}
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	undone, _, err := r.on(ctx, u, entity)
	if err != nil {
		return "", err
	}
	if _, _, err := r.off(ctx, u, entity); err != nil {
		return "", err
	}
	before, err := r.read(ctx, u, entity)
	if err != nil {
		return "", err
	}
	sent, answered, err := r.crash(ctx, entity)
	if err != nil {
		return "", err
	}
	if err := r.back(ctx, entity); err != nil {
		return "", err
	}
	for _, c := range append(sent, undone) {
		if _, err := r.carry(ctx, c); err != nil {
			return "", fmt.Errorf("after the crash: %w", err)
		}
	}
	after, err := r.read(ctx, u, entity)
	switch {
	case err != nil:
		return "", err
	case after.on:
		return "", failf("%s, carried out and undone before the crash, was sent again after it and changed the mark", undone)
	case before.added >= 0 && after.added != before.added+int64(len(sent)):
		return "", failf("%d operations were sent until each had an answer, and %d were carried out", len(sent), after.added-before.added)
	case after.version < before.version:
		return "", failf("the version went back from %d to %d", before.version, after.version)
	}
	return fmt.Sprintf("%d of %d operations were answered at the first attempt", answered, len(sent)), nil
}

// crash sends operations while the server is killed. In the end the key of each sent
// operation must have exactly one effect, whether the operation was answered or not.
func (r *run) crash(ctx context.Context, entity string) (sent []call, answered int, err error) {
	if r.Profile.Add == nil {
		return nil, 0, r.Restart(ctx)
	}
	var mu sync.Mutex // guards sent and answered until all senders have ended
	var senders sync.WaitGroup
	begun := make(chan struct{}, people)
	for _, u := range r.users {
		senders.Go(func() {
			const most = 20 // operations of each sender
			for i := range most {
				c := r.operation(r.Profile.Add, u, entity)
				mu.Lock()
				sent = append(sent, c)
				mu.Unlock()
				if i == 1 {
					begun <- struct{}{}
				}
				a, err := r.send(ctx, r.base, c)
				if err != nil {
					if i == 0 {
						begun <- struct{}{}
					}
					return // the server was killed
				}
				if a.ok() {
					mu.Lock()
					answered++
					mu.Unlock()
				}
			}
		})
	}
	<-begun
	err = r.Restart(ctx)
	senders.Wait()
	return sent, answered, err
}

// back waits until the server answers again.
func (r *run) back(ctx context.Context, entity string) error {
	for {
		_, err := r.read(ctx, r.users[0], entity)
		if err == nil {
			return nil
		}
		if pauseErr := pause(ctx, 200*time.Millisecond); pauseErr != nil || r.requests.Load() > mostRequests {
			return fmt.Errorf("the server does not answer again after it was killed: %w", err)
		}
	}
}
