package optimist

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// The engine and this package say the same word for the same thing: constants of the types
// that both have bear the same names in the same order, and an effect that becomes an event
// has the event's name, without the word that says that it is of an operation.
func TestTheEngineSaysTheSameWords(t *testing.T) {
	ours := constantsOf(t, "mutation.go", "handle.go", "result.go", "store.go", "errors.go")
	theirs := constantsOf(t, "internal/engine/op.go", "internal/engine/entity.go", "internal/engine/policy.go")
	for _, name := range []string{"Kind", "State", "Outcome", "Resolution", "Presence", "Class"} {
		a, b := ours[name], theirs[name]
		if len(b.names) == len(a.names)+1 && a.fromOne { // the engine has a name for none
			b.names = b.names[1:]
		} else if a.fromOne {
			t.Errorf("%s begins at 1 here, and the engine has no name for 0", name)
		}
		if len(a.names) == 0 || !slices.Equal(a.names, b.names) {
			t.Errorf("%s: %v here, %v in the engine", name, a.names, b.names)
		}
	}
	for _, pair := range pairsOf(t, "event.go", "eventKinds") {
		name := strings.TrimPrefix(strings.TrimPrefix(pair[0], "Ops"), "Op")
		if name != pair[1] && pair != [2]string{"Send", "Sent"} { // the one that is an order
			t.Errorf("effect %s becomes event %s", pair[0], pair[1])
		}
	}
}

// constants are those of one type, in order.
type constants struct {
	names   []string
	fromOne bool // iota + 1
}

// constantsOf reads the blocks of constants that count with iota, by type.
func constantsOf(t *testing.T, files ...string) map[string]constants {
	all := make(map[string]constants)
	for _, file := range files {
		for _, d := range parsed(t, file).Decls {
			block, ok := d.(*ast.GenDecl)
			if !ok || block.Tok != token.CONST {
				continue
			}
			var c constants
			var typ *ast.Ident
			for i, s := range block.Specs {
				v := s.(*ast.ValueSpec)
				if i == 0 && len(v.Values) == 1 {
					typ, _ = v.Type.(*ast.Ident)
					_, c.fromOne = v.Values[0].(*ast.BinaryExpr)
				}
				c.names = append(c.names, v.Names[0].Name)
			}
			if typ != nil {
				all[typ.Name] = c
			}
		}
	}
	return all
}

// pairsOf reads the names on both sides of a map of constants.
func pairsOf(t *testing.T, file, name string) (pairs [][2]string) {
	ast.Inspect(parsed(t, file), func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != name {
			return true
		}
		for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
			kv := e.(*ast.KeyValueExpr)
			pairs = append(pairs, [2]string{kv.Key.(*ast.SelectorExpr).Sel.Name, kv.Value.(*ast.SelectorExpr).Sel.Name})
		}
		return false
	})
	if len(pairs) == 0 {
		t.Fatalf("%s has no map %s", file, name)
	}
	return pairs
}

func parsed(t *testing.T, file string) *ast.File {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
