package check

import (
	"context"
	"net/http"
	"slices"
)

func (r *run) checkVersions(ctx context.Context) (string, error) {
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	a, b := r.users[0], r.users[1]
	before, err := r.read(ctx, a, entity)
	if err != nil {
		return "", err
	}
	steps := []struct {
		u       *user
		form    *Request
		changes bool
	}{
		{a, &r.Profile.On, true}, {b, &r.Profile.On, true}, {a, &r.Profile.On, false},
		{a, &r.Profile.Off, true}, {b, &r.Profile.Off, true}, {b, &r.Profile.Off, false}, {a, &r.Profile.On, true},
	}
	for _, step := range steps {
		c := r.operation(step.form, step.u, entity)
		if _, err := r.carry(ctx, c); err != nil {
			return "", err
		}
		after, err := r.read(ctx, a, entity)
		switch {
		case err != nil:
			return "", err
		case after.version < before.version:
			return "", failf("the version went back from %d to %d with %s", before.version, after.version, c)
		case step.changes && after.version == before.version:
			return "", failf("%s changed the state, and the version stayed at %d", c, after.version)
		case !step.changes && after.same(before) && after.version != before.version:
			return "", failf("%s changed nothing, and the version went from %d to %d", c, before.version, after.version)
		}
		before = after
	}
	return "", nil
}

func (r *run) checkAnswer(ctx context.Context) (string, error) {
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	var first call
	var firstView view
	for i, form := range []*Request{&r.Profile.On, &r.Profile.Off, &r.Profile.On} {
		before, err := r.read(ctx, u, entity)
		if err != nil {
			return "", err
		}
		c := r.operation(form, u, entity)
		a, err := r.carry(ctx, c)
		if err != nil {
			return "", err
		}
		v, err := r.viewAt(a.body, r.Profile.Answer.Truth)
		switch {
		case err != nil:
			return "", failf("the answer to %s: %v", c, err)
		case v.id != entity:
			return "", failf("the answer to %s is the truth of %q", c, short(v.id))
		case v.version < before.version:
			return "", failf("the answer to %s has version %d, and %d had been read before", c, v.version, before.version)
		case v.on != (form == &r.Profile.On):
			return "", failf("the answer to %s does not contain it: the mark is %s, in version %d", c, set(v.on), v.version)
		case v.told && !slices.Contains(v.contains, c.key()):
			return "", failf("the answer to %s does not have its key at %s", c, r.Profile.Truth.Contains)
		}
		if i == 0 {
			first, firstView = c, v
		}
	}
	a, err := r.carry(ctx, first)
	if err != nil {
		return "", err
	}
	v, err := r.viewAt(a.body, r.Profile.Answer.Truth)
	switch {
	case err != nil:
		return "", failf("%s, sent again: %v", first, err)
	case v.version < firstView.version:
		return "", failf("%s answered version %d, and when it was sent again %d", first, firstView.version, v.version)
	}
	return "", nil
}

func (r *run) checkConflict(ctx context.Context) (string, error) {
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	if _, _, err := r.on(ctx, u, entity); err != nil {
		return "", err
	}
	var c call
	switch {
	case r.Profile.Conflict != nil:
		c = r.operation(r.Profile.Conflict, u, entity)
	case r.Profile.Stamp != "":
		c = r.older(&r.Profile.Off, u, entity)
	default:
		return "", gap("the profile has no conflict, and no stamp that would make one")
	}
	before, err := r.read(ctx, u, entity)
	if err != nil {
		return "", err
	}
	a, err := r.settle(ctx, c)
	if err != nil {
		return "", err
	}
	if a.ok() {
		return "", gap(c.String() + " answered " + a.String() + ": no conflict came up")
	}
	if a.status != http.StatusConflict {
		return "", failf("%s answered %s, and should be refused with 409", c, a)
	}
	v, err := r.viewAt(a.body, r.Profile.Answer.Conflict)
	switch {
	case err != nil:
		return "", failf("%s answered %s: %v", c, a, err)
	case v.id != entity || v.version < before.version:
		return "", failf("%s answered %s with truth of %q in version %d; it is %q, and %d had been read before", c, a, short(v.id), v.version, entity, before.version)
	}
	return a.String(), nil
}

func (r *run) checkOlder(ctx context.Context) (string, error) {
	if r.Profile.Stamp == "" {
		return "", gap("the profile has no stamp")
	}
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	seen := ""
	for _, pair := range [][2]*Request{{&r.Profile.On, &r.Profile.Off}, {&r.Profile.Off, &r.Profile.On}} {
		if _, err := r.carry(ctx, r.operation(pair[0], u, entity)); err != nil {
			return "", err
		}
		c := r.older(pair[1], u, entity)
		before, after, a, err := r.around(ctx, u, entity, c, r.settle)
		switch {
		case err != nil:
			return "", err
		case !after.same(before):
			return "", failf("%s, older by an hour than the operation before it, answered %s and changed %s", c, a, difference(before, after))
		case a.status >= 500:
			return "", failf("%s, older by an hour than the operation before it, answered %s", c, a)
		}
		seen = a.String()
	}
	return seen, nil
}
