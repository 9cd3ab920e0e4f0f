package httpapi

// Routes returns "METHOD path" of every route, for comparison with the document, and
// of those for people who are signed in that they are.
func Routes() []string {
	var all []string
	for _, r := range new(API).routes() {
		line := r.method + " " + r.path
		if r.signedIn {
			line += " signed in"
		}
		all = append(all, line)
	}
	return all
}

// Waiting returns how many requests wait for their clients.
func (a *API) Waiting() (n int) {
	a.come.mu.Lock()
	defer a.come.mu.Unlock()
	for _, guests := range a.come.each {
		for _, g := range guests {
			if g.sendAway != nil {
				n++
			}
		}
	}
	return n
}
