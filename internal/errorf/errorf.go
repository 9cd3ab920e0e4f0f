// Package errorf formats errors as fmt.Errorf does, for the verbs %w, %v, %s, %q, %d
// and %T without flags. It exists for the browser: package fmt would add a sixth to
// the smallest page.
package errorf

import (
	"errors"
	"reflect"
	"strconv"
	"time"
)

// wrapped is a text with the errors that went into it by %w.
type wrapped struct {
	text string
	errs []error
}

func (w *wrapped) Error() string   { return w.text }
func (w *wrapped) Unwrap() []error { return w.errs }

// New returns an error with the formatted text, which wraps the operands of %w.
func New(format string, args ...any) error {
	var errs []error
	for i, verb := range verbs(format) {
		if verb == 'w' && i < len(args) {
			if err, ok := args[i].(error); ok {
				errs = append(errs, err)
			}
		}
	}
	text := Text(format, args...)
	if len(errs) == 0 {
		return errors.New(text)
	}
	return &wrapped{text, errs}
}

// Text returns the formatted text.
func Text(format string, args ...any) string {
	out := make([]byte, 0, len(format)+32)
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out = append(out, format[i])
			continue
		}
		i++
		if format[i] == '%' {
			out = append(out, '%')
			continue
		}
		if len(args) == 0 {
			out = append(out, "%!"+string(format[i])+"(MISSING)"...)
			continue
		}
		out = operand(out, format[i], args[0])
		args = args[1:]
	}
	return string(out)
}

// TextOf is the error's text, also when asking for it panics.
func TextOf(err error) string { return asked(err, err.Error) }

// asked is the result of text, a method of v. A nil pointer that panics for it is
// "<nil>", as package fmt has it; another panic is told instead of the text.
func asked(v any, text func() string) (s string) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		why, isText := r.(string)
		switch p := reflect.ValueOf(v); {
		case p.Kind() == reflect.Pointer && p.IsNil():
			s = "<nil>"
		case isText:
			s = "(panic: " + why + ")"
		default:
			s = "(panic)" // its own text might panic again
		}
	}()
	return text()
}

// verbs are the format's verbs that take an operand.
func verbs(format string) (out []byte) {
	for i := 0; i+1 < len(format); i++ {
		if format[i] == '%' {
			if i++; format[i] != '%' {
				out = append(out, format[i])
			}
		}
	}
	return out
}

func operand(out []byte, verb byte, arg any) []byte {
	switch verb {
	case 'q':
		if s, ok := arg.(string); ok {
			return strconv.AppendQuote(out, s)
		}
	case 'T':
		if arg != nil {
			return append(out, reflect.TypeOf(arg).String()...)
		}
	}
	switch v := arg.(type) {
	case nil:
		return append(out, "<nil>"...)
	case error:
		return append(out, TextOf(v)...)
	case interface{ String() string }:
		return append(out, asked(v, v.String)...)
	case string:
		return append(out, v...)
	case time.Duration:
		return append(out, v.String()...)
	}
	switch v := reflect.ValueOf(arg); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(out, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(out, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.AppendFloat(out, v.Float(), 'g', -1, 64)
	case reflect.Bool:
		return strconv.AppendBool(out, v.Bool())
	case reflect.String:
		return append(out, v.String()...)
	default:
		return append(out, "a value of type "+v.Type().String()...)
	}
}
