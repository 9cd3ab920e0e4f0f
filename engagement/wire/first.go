package wire

// First is the data that the server puts into the page itself, so that the page can begin
// without asking: the user of the session, and the first page of the feed as that user sees
// it. Page.After is the position of these truths: the stream goes on from there, and no
// change is missed or counted twice. Network says that the server has a network panel: see
// [Network].
type First struct {
	Session Session `json:"session"`
	Page    Page    `json:"page"`
	Network bool    `json:"network"`
}

// DecodeFirst reads the data in the page.
func DecodeFirst(data []byte) (First, error) {
	var f First
	if err := decodeAnswer(data, &f); err != nil {
		return First{}, err
	}
	if _, ok := ParsePosition(f.Page.After); !ok {
		return First{}, &MalformedError{"after", "is no position"}
	}
	return f, f.Page.check()
}

func (p Page) check() error {
	if p.Total != nil && *p.Total < 0 {
		return &MalformedError{"total", "is negative"}
	}
	for i := range p.Posts {
		if err := p.Posts[i].check(); err != nil {
			return err
		}
	}
	return nil
}
