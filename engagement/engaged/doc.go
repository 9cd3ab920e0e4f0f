// Package engaged is the engagement server as a value, so that a test can start
// the real program in its own process:
//
//	m := engaged.New()
//	if err := m.ParseFlags([]string{"-addr", "127.0.0.1:0", "-db", file}); err != nil { … }
//	if err := m.Run(ctx); err != nil { … } // returns when the server listens
//	defer m.Close()
//	http.Get(m.URL() + "/v1/posts")
//
// The command in cmd/engaged does the same and waits for a signal.
package engaged
