package check

import (
	"context"
	"fmt"
	"time"
)

// errNoFeed is the reason for not checking the feed.
const errNoFeed = gap("the profile has no feed")

// now reads the present versions of the entities.
func (r *run) now(ctx context.Context, entities []string) (map[string]int64, error) {
	versions := make(map[string]int64)
	for _, entity := range entities {
		v, err := r.read(ctx, r.users[0], entity)
		if err != nil {
			return nil, err
		}
		versions[entity] = v.version
	}
	return versions, nil
}

func (r *run) checkLive(ctx context.Context) (string, error) {
	if r.Profile.Feed == nil {
		return "", errNoFeed
	}
	entities, err := r.entities(ctx, 8)
	if err != nil {
		return "", err
	}
	s, err := r.live(ctx, r.base, r.users[0], "", false)
	if err != nil {
		return "", err
	}
	defer s.close()
	var calls []call
	for _, entity := range entities {
		for _, u := range r.users[:2] {
			calls = append(calls, r.operation(&r.Profile.On, u, entity))
		}
	}
	if err := r.carryAll(ctx, calls); err != nil {
		return "", err
	}
	versions, err := r.now(ctx, entities)
	if err != nil {
		return "", err
	}
	if err := s.awaitAll(ctx, versions); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d operations on %d entities", len(calls), len(entities)), nil
}

func (r *run) checkResume(ctx context.Context) (string, error) {
	if r.Profile.Feed == nil {
		return "", errNoFeed
	}
	return "", r.resume(ctx, r.base)
}

// resume follows a stream and ends it, makes changes, and resumes the stream at base.
func (r *run) resume(ctx context.Context, base string) error {
	u := r.users[0]
	entities, err := r.entities(ctx, 4)
	if err != nil {
		return err
	}
	position, err := r.position(ctx, entities[0])
	if err != nil {
		return err
	}
	for i, entity := range entities {
		if _, _, err := r.on(ctx, r.users[2+i%2], entity); err != nil {
			return err
		}
	}
	versions, err := r.now(ctx, entities)
	if err != nil {
		return err
	}
	for _, byQuery := range []bool{false, true} {
		if byQuery && r.Profile.Feed.After == "" {
			break
		}
		s, err := r.live(ctx, base, u, position, byQuery)
		if err != nil {
			return err
		}
		err = s.awaitAll(ctx, versions)
		s.close()
		if err != nil {
			return fmt.Errorf("a stream that went on after position %s: %w", position, err)
		}
	}
	return nil
}

// position changes the entity, and returns the position of a stream that was told of the
// change.
func (r *run) position(ctx context.Context, entity string) (string, error) {
	s, err := r.live(ctx, r.base, r.users[0], "", false)
	if err != nil {
		return "", err
	}
	defer s.close()
	if _, _, err := r.on(ctx, r.users[1], entity); err != nil {
		return "", err
	}
	versions, err := r.now(ctx, []string{entity})
	if err != nil {
		return "", err
	}
	if err := s.awaitAll(ctx, versions); err != nil {
		return "", gap("a change was not told: see feed-live")
	}
	if s.position == "" {
		return "", failf("no event of the stream has an id, so that nobody can go on after it")
	}
	return s.position, nil
}

func (r *run) checkGap(ctx context.Context) (string, error) {
	if r.Profile.Feed == nil {
		return "", errNoFeed
	}
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	position, err := r.position(ctx, entity)
	if err != nil {
		return "", err
	}
	seen := ""
	for _, unknown := range append([]string{position + "99999999", "no-such-position"}, r.Profile.Feed.Unknown...) {
		if seen, err = r.lost(ctx, unknown); err != nil {
			return "", err
		}
	}
	return seen, nil
}

// lost asks for a position that the server does not know, and describes the server's
// answer.
func (r *run) lost(ctx context.Context, position string) (string, error) {
	s, err := r.follow(ctx, r.base, r.users[0], position, false)
	if err != nil {
		return "", err
	}
	defer s.close()
	if s.answer.refused() {
		return "refused with " + s.answer.String(), nil
	}
	if s.answer.status != 200 {
		return "", failf("after position %s, which nobody was given, the feed answered %s", position, s.answer)
	}
	first := "nothing"
	s.awaitFor(ctx, min(r.Patience, 3*time.Second), func(e event) bool {
		if first == "nothing" {
			first = fmt.Sprintf("the event %q", short(e.name))
		}
		return s.reset || len(s.versions) > 0 // a client that gets versions believes that it missed none
	})
	if !s.reset {
		return "", failf("after position %s, which nobody was given, the stream began with %s, and should be refused or reset", position, first)
	}
	return "the stream says reset", nil
}

func (r *run) checkOrder(ctx context.Context) (string, error) {
	if r.Profile.Feed == nil {
		return "", errNoFeed
	}
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	from, err := r.position(ctx, entity)
	if err != nil {
		return "", err
	}
	live, err := r.live(ctx, r.base, r.users[0], "", false)
	if err != nil {
		return "", err
	}
	defer live.close()
	for range 4 {
		for _, form := range []*Request{&r.Profile.On, &r.Profile.Off} {
			var calls []call
			for _, u := range r.users[1:] {
				calls = append(calls, r.operation(form, u, entity))
			}
			if err := r.carryAll(ctx, calls); err != nil {
				return "", err
			}
		}
	}
	again, err := r.live(ctx, r.base, r.users[0], from, false)
	if err != nil {
		return "", err
	}
	defer again.close()
	streams := []*stream{live, again}
	err = r.untilNow(ctx, entity, streams)
	if err == nil { // one more change: when it is told, all earlier news have been
		if _, _, err := r.on(ctx, r.users[0], entity); err != nil {
			return "", err
		}
		err = r.untilNow(ctx, entity, streams)
	}
	for _, s := range streams {
		told := s.versions[entity]
		for i := 1; i < len(told); i++ {
			if told[i] < told[i-1] {
				return "", failf("%s was told in version %d, and after that in version %d", entity, told[i-1], told[i])
			}
		}
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d events", len(live.versions[entity])+len(again.versions[entity])), nil
}

// untilNow waits until the streams have told of the present version of the entity.
func (r *run) untilNow(ctx context.Context, entity string, streams []*stream) error {
	versions, err := r.now(ctx, []string{entity})
	if err != nil {
		return err
	}
	for _, s := range streams {
		if s.awaitAll(ctx, versions) != nil {
			return gap("the last version was not told: see feed-live and feed-resume")
		}
	}
	return nil
}

func (r *run) checkAlso(ctx context.Context) (string, error) {
	if r.also == "" {
		return "", gap("needs the URL of another process")
	}
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	for _, form := range []*Request{&r.Profile.On, &r.Profile.Off, &r.Profile.On} {
		c := r.operation(form, u, entity)
		a, err := r.carry(ctx, c)
		if err != nil {
			return "", err
		}
		answered, err := r.viewAt(a.body, r.Profile.Answer.Truth)
		if err != nil {
			return "", err
		}
		there, err := r.readAt(ctx, r.also, u, entity)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.also, err)
		}
		if there.version < answered.version {
			return "", failf("%s answered version %d, and %s then showed version %d", c, answered.version, r.also, there.version)
		}
		if a, err = r.settleAt(ctx, r.also, c); err != nil {
			return "", err
		} else if !a.ok() {
			return "", failf("%s was carried out, and sent again to %s it answered %s", c, r.also, a)
		}
		again, err := r.readAt(ctx, r.also, u, entity)
		if err != nil {
			return "", err
		}
		if !again.same(there) || again.version > there.version {
			return "", failf("%s was carried out, and sent again to %s it changed %s", c, r.also, difference(there, again))
		}
	}
	if r.Profile.Feed == nil {
		return "without a feed", nil
	}
	return "", r.resume(ctx, r.also)
}
