package list_test

import (
	"slices"
	"strconv"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
)

// step does something, and says what.
func (b *board) step() string {
	id := b.ids[b.rnd.IntN(len(b.ids))]
	note := func(h *optimist.Handle, err error) {
		if h != nil && err == nil {
			b.handles = append(b.handles, h)
		}
	}
	handle := func() *optimist.Handle {
		if len(b.handles) == 0 {
			return nil
		}
		i := b.rnd.IntN(len(b.handles))
		h := b.handles[i]
		b.handles = slices.Delete(b.handles, i, i+1)
		return h
	}
	switch n := b.rnd.IntN(31); n {
	case 0, 1:
		id = b.ids[b.rnd.IntN(30)] // of the ids that the client makes
		note(b.create.Execute(b.ctx, id, b.word()))
		return "create " + id
	case 2, 3:
		note(b.rename.Execute(b.ctx, id, b.word()))
		return "rename " + id
	case 4, 5, 6:
		note(b.like.Execute(b.ctx, id, strconv.Itoa(b.rnd.IntN(9)-4)))
		return "like " + id
	case 7:
		note(b.remove.Execute(b.ctx, id, ""))
		return "remove " + id
	case 8:
		note(b.slow.Execute(b.ctx, id, "slow"))
		return "slow " + id
	case 9:
		other := b.ids[b.rnd.IntN(len(b.ids))]
		note(b.move.Execute(b.ctx, [2]string{id, other}))
		return "move " + id + " " + other
	case 10, 11:
		b.cards.Receive(served(id), b.told(served(id), nil))
		return "receive " + id
	case 12:
		b.cards.Receive(served(id), b.told(served(id), &card{Title: b.word(), Likes: b.rnd.IntN(9)}))
		return "push " + id
	case 13:
		b.cards.Forget(id)
		return "forget " + id
	case 14:
		if h := handle(); h != nil {
			h.Cancel()
		}
		return "cancel"
	case 15:
		if h := handle(); h != nil {
			if b.rnd.IntN(2) == 0 {
				h.Retry()
			} else {
				h.Discard()
			}
		}
		return "decide"
	case 16:
		if b.rnd.IntN(10) == 0 {
			b.m.ClearAll()
			return "clear all"
		}
		b.m.RollbackAll("card:" + id)
		return "roll back " + id
	case 17:
		b.m.SetOnline(b.rnd.IntN(3) > 0)
		return "line"
	case 18:
		var plans []optimist.Planned
		for range 3 {
			plans = append(plans, b.like.Plan(b.ids[b.rnd.IntN(len(b.ids))], strconv.Itoa(b.rnd.IntN(9))))
		}
		b.m.Batch(b.ctx, plans...)
		return "batch"
	case 19:
		b.births++
		id := "n" + strconv.Itoa(b.births)
		b.ids = append(b.ids, id)
		note(b.born.Execute(b.ctx, id, id+" "+b.word()))
		return "born " + id
	case 20:
		if len(b.ids) < firstCards+6 {
			return "none"
		}
		id := b.ids[firstCards] // the oldest one whose id the server made
		b.ids = slices.Delete(b.ids, firstCards, firstCards+1)
		b.end(served(id))
		b.cards.Receive(served(id), b.told(served(id), nil))
		b.cards.Forget(id)
		return "gone " + id
	case 21:
		b.rerank(served(id), b.rnd.IntN(1000))
		return "rank " + id
	case 22, 23, 24:
		return b.stepOfPeople(note)
	case 25:
		return b.stepOfEras(id)
	}
	time.Sleep(time.Duration(b.rnd.IntN(1500)) * time.Millisecond)
	synctest.Wait()
	return "time"
}

// word is a title, or a name. A title that is the name of a person joins the person to the card.
func (b *board) word() string {
	words := []string{"a", "b", "b\x00", "", "cc", "c"}
	if i := b.rnd.IntN(len(words) + 3); i < len(words) {
		return words[i]
	}
	id := b.humans[b.rnd.IntN(len(b.humans))]
	if b.rnd.IntN(2) == 0 {
		return served(id)
	}
	return id
}

// stepOfPeople does something with the people to whom cards are joined.
func (b *board) stepOfPeople(note func(*optimist.Handle, error)) string {
	id, word := b.humans[b.rnd.IntN(len(b.humans))], b.word()
	switch b.rnd.IntN(10) {
	case 0:
		id = b.humans[b.rnd.IntN(firstPeople)]
		note(b.join.Execute(b.ctx, id, word))
		return "join " + id
	case 1, 2:
		note(b.name.Execute(b.ctx, id, word))
		return "name " + id
	case 3:
		note(b.leave.Execute(b.ctx, id, ""))
		return "leave " + id
	case 4:
		b.people.Receive(served(id), b.folk.told(served(id), nil))
		return "receive " + id
	case 5:
		b.people.Receive(served(id), b.folk.told(served(id), &human{Name: word}))
		return "push " + id
	case 6:
		b.people.Forget(id)
		return "forget " + id
	case 7:
		b.births++
		id = "q" + strconv.Itoa(b.births)
		b.humans = append(b.humans, id)
		note(b.bornPerson.Execute(b.ctx, id, id+" "+word))
		return "born " + id
	case 8:
		if len(b.humans) < firstPeople+3 {
			return "none"
		}
		b.humans = slices.Delete(b.humans, firstPeople, firstPeople+1)
		return "left alone"
	}
	card := b.ids[b.rnd.IntN(len(b.ids))]
	note(b.assign.Execute(b.ctx, [2]string{card, id}))
	return "assign " + card + " " + id
}
