// Package carillon holds the test that keeps the import graph of ARCHITECTURE.md true.
package carillon

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The planes. A package belongs to the longest prefix that matches.
var planes = map[string]string{
	"internal/errs": "leaf", "internal/ids": "leaf", "internal/seal": "leaf", "internal/config": "config", "web": "leaf",

	"internal/events": "control", "internal/authz": "control", "internal/accounts": "control",
	"internal/meetings": "control", "internal/mail": "control", "internal/storage": "control",
	"internal/webhooks": "control", "internal/timeline": "control",
	"internal/sigv4": "control", "internal/api": "control", "internal/httpserver": "control",

	"internal/rooms": "media", "internal/media": "media",

	"internal/signaling": "bridge", "internal/server": "root", "cmd": "command",

	"test/load": "tool", "test/apiload": "tool", "test/conformance": "tool", "test/guard": "tool",
}

// mayImport says which planes a plane's packages may import, beside its own and leaves.
var mayImport = map[string][]string{
	"leaf":    {},
	"config":  {},
	"control": {},
	"media":   {},
	"bridge":  {"control", "media"},
	"root":    {"control", "media", "bridge", "config"},
	"command": {"control", "root", "config"},
	"tool":    {"control", "media", "bridge", "root", "config"}, // measure the program; nothing imports them
}

// forbidden are single edges inside a plane: who must not import whom.
var forbidden = map[string][]string{
	"internal/accounts": {"internal/storage", "internal/api", "internal/httpserver"},
	"internal/meetings": {"internal/storage", "internal/api", "internal/httpserver", "internal/accounts"},
	"internal/events":   {"internal/storage", "internal/accounts", "internal/meetings"},
	"internal/webhooks": {"internal/storage", "internal/api", "internal/httpserver", "internal/accounts"},
	"internal/timeline": {"internal/storage", "internal/api", "internal/httpserver", "internal/accounts"},
	"internal/authz":    {"internal/accounts", "internal/meetings", "internal/storage"},
	"internal/storage":  {"internal/api", "internal/httpserver"},
	"internal/api":      {"internal/storage"},
	"internal/media":    {"internal/rooms"},
}

func planeOf(pkg string) string {
	best, plane := "", ""
	for prefix, p := range planes {
		if (pkg == prefix || strings.HasPrefix(pkg, prefix+"/")) && len(prefix) > len(best) {
			best, plane = prefix, p
		}
	}
	return plane
}

func TestImports(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || path != "." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		// Tests may put a true server together out of anything.
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		plane := planeOf(pkg)
		if plane == "" {
			t.Errorf("%s: package %s has no place in the import policy", path, pkg)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if target, ours := strings.CutPrefix(name, "carillon/"); ours {
				check(t, path, pkg, plane, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

func check(t *testing.T, path, pkg, plane, target string) {
	t.Helper()
	to := planeOf(target)
	allowed := to == plane || to == "leaf"
	for _, p := range mayImport[plane] {
		allowed = allowed || to == p
	}
	if !allowed {
		t.Errorf("%s: %s (%s) must not import %s (%s)", path, pkg, plane, target, to)
	}
	for from, targets := range forbidden {
		if pkg != from && !strings.HasPrefix(pkg, from+"/") {
			continue
		}
		for _, no := range targets {
			if target == no || strings.HasPrefix(target, no+"/") {
				t.Errorf("%s: %s must not import %s", path, pkg, target)
			}
		}
	}
}
