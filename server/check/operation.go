package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"sync"
	"time"
)

// view holds the parts of an entity's truth that the checks look at.
type view struct {
	id      string
	version int64
	on      bool
	count   int64 // -1: not told
	added   int64 // -1: not told
	// contains has the keys of operations; told is false when the truth has no such
	// list.
	contains []string
	told     bool
}

// same reports whether both views show the same state.
func (v view) same(w view) bool { return v.on == w.on && v.count == w.count && v.added == w.added }

// viewAt reads the truth at a pointer of a body.
func (r *run) viewAt(body any, pointer string) (view, error) {
	where, value := &r.Profile.Truth, at(body, pointer)
	if value == nil {
		return view{}, failf("there is no truth at %q", pointer)
	}
	v := view{count: -1, added: -1}
	var ok bool
	if v.id, ok = at(value, where.ID).(string); !ok {
		return view{}, failf("the truth has no id, which is a text, at %s", where.ID)
	}
	if v.version, ok = whole(at(value, where.Version)); !ok {
		return view{}, failf("the truth has no version, which is a whole number, at %s", where.Version)
	}
	if v.on, ok = at(value, where.On).(bool); !ok {
		return view{}, failf("the truth has no boolean at %s", where.On)
	}
	if where.Count != "" {
		if v.count, ok = whole(at(value, where.Count)); !ok {
			return view{}, failf("the truth has no whole number at %s", where.Count)
		}
	}
	if where.Added != "" {
		if v.added, ok = whole(at(value, where.Added)); !ok {
			return view{}, failf("the truth has no whole number at %s", where.Added)
		}
	}
	if where.Contains != "" {
		v.told = true
		list, _ := at(value, where.Contains).([]any) // a server may leave out an empty list
		for _, key := range list {
			text, _ := key.(string)
			v.contains = append(v.contains, text)
		}
	}
	return v, nil
}

// read asks for the truth of the entity.
func (r *run) read(ctx context.Context, u *user, entity string) (view, error) {
	return r.readAt(ctx, r.base, u, entity)
}

func (r *run) readAt(ctx context.Context, base string, u *user, entity string) (view, error) {
	c := r.Profile.Read.fill(values{user: u.name, entity: entity})
	c.user = u
	a, err := r.settleAt(ctx, base, c)
	if err != nil {
		return view{}, err
	}
	if !a.ok() {
		return view{}, failf("%s answered %s", c, a)
	}
	v, err := r.viewAt(a.body, "")
	if err != nil {
		return view{}, failf("%s: %v", c, err)
	}
	return v, nil
}

// stamp returns a moment later than all earlier ones, minus ago.
func (r *run) stamp(ago time.Duration) string {
	unit := int64(1)
	switch r.Profile.Stamp {
	case "":
		return ""
	case "hybrid":
		unit = 1 << 16
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ago > 0 {
		return strconv.FormatInt(r.last-ago.Milliseconds()*unit, 10)
	}
	r.last = max(r.last+1, time.Now().UnixMilli()*unit)
	return strconv.FormatInt(r.last, 10)
}

// operation makes a new operation of that form, with a key of its own.
func (r *run) operation(form *Request, u *user, entity string) call {
	return r.operationOf(form, u, entity, r.stamp(0))
}

// older makes an operation whose stamp is an hour older than the latest.
func (r *run) older(form *Request, u *user, entity string) call {
	return r.operationOf(form, u, entity, r.stamp(time.Hour))
}

func (r *run) operationOf(form *Request, u *user, entity, stamp string) call {
	c := form.fill(values{user: u.name, entity: entity, item: newID(), stamp: stamp,
		text: "check " + r.id + " " + strconv.FormatInt(r.numbers.Add(1), 10)})
	c.user = u
	return c.with(keyHeader, newID())
}

// newID returns a UUID of version 7.
func newID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	now := time.Now().UnixMilli()
	for i := range 6 {
		id[i] = byte(now >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// carry sends the operation and fails unless it is carried out.
func (r *run) carry(ctx context.Context, c call) (answer, error) {
	a, err := r.settle(ctx, c)
	if err == nil && !a.ok() {
		err = failf("%s answered %s, and should have carried it out", c, a)
	}
	return a, err
}

// carryAll carries out operations at the same time.
func (r *run) carryAll(ctx context.Context, calls []call) error {
	_, err := all(calls, func(c call) (answer, error) { return r.carry(ctx, c) })
	return err
}

// all calls ask for all calls at the same time, and returns the answers in the
// order of the calls, and the first error.
func all(calls []call, ask func(call) (answer, error)) ([]answer, error) {
	answers, errs := make([]answer, len(calls)), make([]error, len(calls))
	var asked sync.WaitGroup
	for i, c := range calls {
		asked.Go(func() { answers[i], errs[i] = ask(c) })
	}
	asked.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return answers, errs[i]
	}
	return answers, nil
}

// on sets the user's mark on the entity, and off removes it.
func (r *run) on(ctx context.Context, u *user, entity string) (call, answer, error) {
	c := r.operation(&r.Profile.On, u, entity)
	a, err := r.carry(ctx, c)
	return c, a, err
}

func (r *run) off(ctx context.Context, u *user, entity string) (call, answer, error) {
	c := r.operation(&r.Profile.Off, u, entity)
	a, err := r.carry(ctx, c)
	return c, a, err
}

// entity returns an entity without marks.
func (r *run) entity(ctx context.Context) (string, error) {
	if r.Profile.Create == nil {
		entity := r.Profile.Entities[int(r.numbers.Add(1))%len(r.Profile.Entities)]
		return entity, r.clear(ctx, entity)
	}
	return r.create(ctx, newID())
}

// create creates an entity, with the id if the server lets the client choose.
func (r *run) create(ctx context.Context, id string) (string, error) {
	c := r.operation(r.Profile.Create, r.users[0], id)
	a, err := r.carry(ctx, c)
	if err != nil || r.Profile.CreatedID == "" {
		return id, err
	}
	id, ok := at(a.body, r.Profile.CreatedID).(string)
	if !ok {
		return "", failf("%s: the answer has no id at %s", c, r.Profile.CreatedID)
	}
	return id, nil
}

// entities returns n different entities, or all if there are fewer.
func (r *run) entities(ctx context.Context, n int) ([]string, error) {
	if r.Profile.Create == nil {
		n = min(n, len(r.Profile.Entities))
	}
	ids := make([]string, n)
	for i := range ids {
		var err error
		if ids[i], err = r.entity(ctx); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// clear removes the marks of the run's users from an entity that existed before
// the run.
func (r *run) clear(ctx context.Context, entity string) error {
	for _, u := range r.users {
		v, err := r.read(ctx, u, entity)
		if err != nil {
			return err
		}
		if v.on {
			if _, _, err := r.off(ctx, u, entity); err != nil {
				return err
			}
		}
	}
	return nil
}

// around sends the call with send, and returns its answer with the views of the entity
// before and after it.
func (r *run) around(ctx context.Context, u *user, entity string, c call, send func(context.Context, call) (answer, error)) (before, after view, a answer, err error) {
	if before, err = r.read(ctx, u, entity); err != nil {
		return before, after, a, err
	}
	if a, err = send(ctx, c); err != nil {
		return before, after, a, err
	}
	after, err = r.read(ctx, u, entity)
	return before, after, a, err
}
