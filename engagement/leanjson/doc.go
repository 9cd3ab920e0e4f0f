// Package leanjson is the part of encoding/json that the page needs: for structs,
// pointers, slices, strings, booleans and numbers, with the same tags (string for
// integers only), its output can be read by encoding/json, and the reverse. Package
// encoding/json itself would bring fmt, os and half of time along, a tenth of the
// page.
//
// Both directions refuse any other type, rather than treat it differently from
// encoding/json. Reading is stricter: names match exactly, no name comes twice in an
// object, texts are valid UTF-8 without halves of surrogate pairs, and an integer that
// is a text by its tag is in its shortest form. Members that the type does not have
// are skipped.
//
// The text itself is read by jsontext, the tokenizer of encoding/json/v2.
package leanjson
