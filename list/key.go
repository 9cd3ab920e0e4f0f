package list

import (
	"cmp"
	"math"
	"reflect"
)

// Key is one key of an order. [Asc] and [Desc] make it.
type Key[T any] struct {
	extend func(key []byte, id string, value T) []byte
}

// Asc orders by a key of each value, the smallest first. Strings compare bytewise, NaN comes
// before all other numbers. of is pure, and is called once for each change of an entity.
func Asc[T any, K cmp.Ordered](of func(id string, value T) K) Key[T] { return keyOf(of, 0) }

// Desc orders by a key of each value, the greatest first.
func Desc[T any, K cmp.Ordered](of func(id string, value T) K) Key[T] { return keyOf(of, 0xff) }

// keyOf writes keys as bytes whose order is that of the keys, flipped by the mask for a
// descending order. So an order of any number of keys of any types is one comparison of
// strings, and the rest of the package knows no types of keys.
func keyOf[T any, K cmp.Ordered](of func(id string, value T) K, mask byte) Key[T] {
	if of == nil {
		return Key[T]{}
	}
	kind := reflect.TypeFor[K]().Kind()
	return Key[T]{extend: func(key []byte, id string, value T) []byte {
		k, from := of(id, value), len(key)
		switch k := any(k).(type) { // without reflection, for the most common
		case int:
			key = appendInt(key, int64(k))
		case int64:
			key = appendInt(key, k)
		case string:
			key = appendString(key, k)
		default:
			key = appendReflected(key, kind, reflect.ValueOf(k))
		}
		for i := from; mask != 0 && i < len(key); i++ {
			key[i] ^= mask
		}
		return key
	}}
}

func appendReflected(key []byte, kind reflect.Kind, v reflect.Value) []byte {
	switch kind {
	case reflect.String:
		return appendString(key, v.String())
	case reflect.Float32, reflect.Float64:
		return appendFloat(key, v.Float())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendInt(key, v.Int())
	}
	return appendUint(key, v.Uint())
}

func appendUint(key []byte, n uint64) []byte {
	return append(key, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendInt(key []byte, n int64) []byte { return appendUint(key, uint64(n)^1<<63) }

func appendFloat(key []byte, f float64) []byte {
	if f != f {
		return appendUint(key, 0)
	}
	bits := math.Float64bits(f + 0) // -0 becomes 0
	if bits>>63 != 0 {
		return appendUint(key, ^bits)
	}
	return appendUint(key, bits|1<<63)
}

// appendString ends a string by 0 0, and writes a zero in it as 0 1: a string comes before
// the longer ones that it begins.
func appendString(key []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if key = append(key, s[i]); s[i] == 0 {
			key = append(key, 1)
		}
	}
	return append(key, 0, 0)
}
