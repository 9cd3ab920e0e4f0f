package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A group touches several entities, and is applied, settled and rolled back in all of
// them in one step.
func Example_group() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	accounts := optimist.NewStore[int](m, "account")

	type Transfer struct {
		From, To string
		Amount   int
	}
	transfer := optimist.RegisterGroup(m, optimist.Group[Transfer]{
		Type: "transfer",
		Parts: func(t Transfer) []optimist.Part {
			return []optimist.Part{
				accounts.Part(t.From, func(balance int) (int, error) {
					if balance < t.Amount {
						return 0, errors.New("not enough")
					}
					return balance - t.Amount, nil
				}),
				accounts.Part(t.To, func(balance int) (int, error) { return balance + t.Amount, nil }),
			}
		},
		Send: func(_ context.Context, c optimist.Call[Transfer]) ([]optimist.EntityTruth, error) {
			if c.Args.Amount > 10 {
				return nil, optimist.Fail(optimist.Permanent, errors.New("above the limit"))
			}
			return nil, nil // as predicted
		},
	})
	accounts.Receive("ann", optimist.TruthOf(30, 1))
	accounts.Receive("bob", optimist.TruthOf(0, 1))
	show := func() string { return fmt.Sprint(accounts.View("ann").Value, " ", accounts.View("bob").Value) }

	for _, amount := range []int{5, 20} {
		m.SetOnline(false) // time to look
		h, _ := transfer.Execute(ctx, Transfer{From: "ann", To: "bob", Amount: amount})
		fmt.Print("at once: ", show())
		m.SetOnline(true)
		r, _ := h.Wait(ctx)
		fmt.Println(", then:", show(), r.Outcome)
	}
	_, err := transfer.Execute(ctx, Transfer{From: "ann", To: "bob", Amount: 100})
	fmt.Println("refused:", errors.Is(err, optimist.ErrApply), show())
	m.Close(ctx)
	// Output:
	// at once: 25 5, then: 25 5 confirmed
	// at once: 5 25, then: 25 5 rolled back
	// refused: true 25 5
}
