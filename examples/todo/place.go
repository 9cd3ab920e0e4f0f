package main

// between is a key after lo and before hi; an empty hi is the end.
func between(lo, hi string) (key string) {
	for i := 0; ; i++ {
		l, h := byte('a'), byte('z'+1)
		if i < len(lo) {
			l = lo[i]
		}
		if i < len(hi) {
			h = hi[i]
		}
		if h-l > 1 {
			return key + string(l+(h-l)/2)
		}
		if key += string(l); h > l {
			hi = ""
		}
	}
}
