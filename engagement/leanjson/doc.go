// Package leanjson is what the page needs of encoding/json: for structs, pointers,
// slices, strings, booleans and numbers, with the same tags (string for integers only),
// it writes what encoding/json reads and reads what encoding/json writes. Package encoding/json itself would bring fmt,
// os and half of time along, a tenth of the page.
//
// Both directions refuse a type that is none of the above, rather than to treat it
// differently from encoding/json. Reading is stricter: names match exactly, none comes
// twice in an object, texts are valid UTF-8 without halves of surrogate pairs, and an
// integer that is a text by its tag is in its shortest form.
// Members that the type does not have are skipped.
//
// The text itself is read by jsontext, the tokenizer of encoding/json/v2.
package leanjson
