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
