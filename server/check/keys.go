package check

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

func (r *run) checkSession(ctx context.Context) (string, error) {
	if r.Profile.SignIn == nil && !r.Profile.On.mentions("{user}") {
		return "", gap("the profile knows no users")
	}
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	c := r.operation(&r.Profile.On, &user{}, entity)
	c.user = nil
	a, err := r.settle(ctx, c)
	if err == nil && a.status != http.StatusUnauthorized {
		err = failf("%s without a session answered %s", c, a)
	}
	return a.String(), err
}

func (r *run) checkWanted(ctx context.Context) (string, error) {
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	for _, wish := range []struct {
		form *Request
		on   bool
	}{{&r.Profile.On, true}, {&r.Profile.Off, false}} {
		if _, err := r.carry(ctx, r.operation(wish.form, u, entity)); err != nil {
			return "", err
		}
		c := r.operation(wish.form, u, entity)
		before, after, a, err := r.around(ctx, u, entity, c, r.carry)
		switch {
		case err != nil:
			return "", err
		case before.on != wish.on:
			return "", failf("after %s the mark is %s", wish.form.Method+" "+wish.form.Path, set(before.on))
		case !after.same(before):
			return "", failf("%s came twice, and the second one changed %s", c, difference(before, after))
		}
		if where := r.Profile.Answer.Already; where != "" && at(a.body, where) != true {
			return "", failf("%s changed nothing, and its answer does not have true at %s", c, where)
		}
	}
	return "", nil
}

func set(on bool) string {
	if on {
		return "set"
	}
	return "not set"
}

// difference names the first difference between two views of an entity.
func difference(before, after view) string {
	switch {
	case before.on != after.on:
		return "the mark, which is now " + set(after.on)
	case before.count != after.count:
		return fmt.Sprintf("the count of marks from %d to %d", before.count, after.count)
	case before.added != after.added:
		return fmt.Sprintf("the count of additions from %d to %d", before.added, after.added)
	}
	return fmt.Sprintf("the version from %d to %d", before.version, after.version)
}

func (r *run) checkKeySame(ctx context.Context) (string, error) {
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	c, first, err := r.on(ctx, u, entity)
	if err != nil {
		return "", err
	}
	if _, _, err := r.off(ctx, u, entity); err != nil {
		return "", err
	}
	before, after, again, err := r.around(ctx, u, entity, c, r.carry)
	switch {
	case err != nil:
		return "", err
	case !after.same(before) || after.version > before.version:
		return "", failf("%s, carried out and then undone by another operation, was sent again with its key and changed %s", c, difference(before, after))
	case first.status != again.status:
		return "", failf("%s answered %s, and when it was sent again %s", c, first, again)
	}
	if where := r.Profile.Answer.Already; where != "" && (at(first.body, where) == true) != (at(again.body, where) == true) {
		return "", failf("%s answered %v at %s, and when it was sent again %v", c, at(first.body, where), where, at(again.body, where))
	}
	if r.Profile.Add == nil || before.added < 0 {
		return "", nil
	}
	add := r.operation(r.Profile.Add, u, entity)
	for range 3 {
		if _, err := r.carry(ctx, add); err != nil {
			return "", err
		}
	}
	added, err := r.read(ctx, u, entity)
	if err == nil && added.added != after.added+1 {
		err = failf("%s was sent three times with one key, and added %d", add, added.added-after.added)
	}
	return "", err
}

func (r *run) checkKeyOther(ctx context.Context) (string, error) {
	u := r.users[0]
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	on, _, err := r.on(ctx, u, entity)
	if err != nil {
		return "", err
	}
	pairs := [][2]call{{on, r.operation(&r.Profile.Off, u, entity)}}
	if form := r.Profile.Add; form != nil && form.mentions("{text}") && len(form.Body) > 0 {
		add := r.operation(form, u, entity)
		if _, err := r.carry(ctx, add); err != nil {
			return "", err
		}
		other := r.operation(form, u, entity)
		other.path = add.path // only the body differs
		pairs = append(pairs, [2]call{add, other})
	}
	seen := ""
	for _, pair := range pairs {
		c := pair[1].with(keyHeader, pair[0].key())
		before, after, a, err := r.around(ctx, u, entity, c, r.settle)
		switch {
		case err != nil:
			return "", err
		case !after.same(before):
			return "", failf("%s with the key of another operation changed %s", c, difference(before, after))
		case !a.refused():
			return "", failf("%s with the key of another operation answered %s, and should be refused with 422 or 409", c, a)
		}
		seen = a.String()
	}
	return seen, nil
}

func (r *run) checkKeyRace(ctx context.Context) (string, error) {
	const at1 = 12 // requests sent at the same time
	u := r.users[0]
	forms := []*Request{&r.Profile.On}
	if r.Profile.Add != nil {
		forms = append(forms, r.Profile.Add)
	}
	carried, waiting := 0, 0
	for _, form := range forms {
		entity, err := r.entity(ctx)
		if err != nil {
			return "", err
		}
		before, err := r.read(ctx, u, entity)
		if err != nil {
			return "", err
		}
		c := r.operation(form, u, entity)
		answers, err := all(slices.Repeat([]call{c}, at1), func(c call) (answer, error) { return r.send(ctx, r.base, c) })
		if err != nil {
			return "", err
		}
		for _, a := range answers {
			switch {
			case a.ok():
				carried++
			case a.status == http.StatusConflict || a.busy():
				waiting++
			default:
				return "", failf("%s, sent %d times at the same time, answered %s", c, at1, a)
			}
		}
		if _, err := r.carry(ctx, c); err != nil {
			return "", err
		}
		after, err := r.read(ctx, u, entity)
		switch {
		case err != nil:
			return "", err
		case form == &r.Profile.On && !after.on:
			return "", failf("%s was carried out, and the mark is not set", c)
		case form == &r.Profile.On && before.count >= 0 && after.count != before.count+1,
			form != &r.Profile.On && before.added >= 0 && after.added != before.added+1:
			return "", failf("%s, sent %d times at the same time with one key, changed %s", c, at1, difference(view{on: after.on, count: before.count, added: before.added}, after))
		}
	}
	return fmt.Sprintf("%d requests were answered with the outcome, %d told to come again", carried, waiting), nil
}

func (r *run) checkKeyFree(ctx context.Context) (string, error) {
	u, id := r.users[0], newID()
	early := r.operation(&r.Profile.On, u, id)
	refused, err := r.settle(ctx, early)
	if err != nil {
		return "", err
	}
	if !refused.refused() {
		return "", gap(early.String() + " for an entity that is not there answered " + refused.String() + ", and was to be refused")
	}
	var entity string
	if r.Profile.Create != nil {
		if entity, err = r.create(ctx, id); err != nil {
			return "", err
		}
	} else if entity, err = r.entity(ctx); err != nil {
		return "", err
	}
	again := early
	if entity != id {
		again = r.operation(&r.Profile.On, u, entity).with(keyHeader, early.key())
	}
	a, err := r.settle(ctx, again)
	if err != nil {
		return "", err
	}
	v, err := r.read(ctx, u, entity)
	if err == nil && (!a.ok() || !v.on) {
		err = failf("%s was refused with %s; when it could be carried out, its key answered %s and the mark is %s", early, refused, a, set(v.on))
	}
	return "refused with " + refused.String(), err
}
