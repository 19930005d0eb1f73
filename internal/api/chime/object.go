package chime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// input collects what is wrong with a request body while it is read.
type input struct {
	unreadable string   // first member that is not of its JSON type, or the body itself
	violations []string // broken constraints of the API's model
}

// err returns what the client has to be told first.
func (in *input) err() error {
	switch n := len(in.violations); {
	case in.unreadable != "":
		return unreadable(in.unreadable)
	case n == 1:
		return validation("1 validation error detected: " + in.violations[0])
	case n > 1:
		return validation(fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(in.violations, "; ")))
	}
	return nil
}

// object is a JSON object whose members are read by exact name. encoding/json's struct decoding would also
// match names in other letter case, and would not tell which constraint an absent member breaks.
type object struct {
	in      *input
	path    string // names of the members that lead here, each with a dot after it
	members map[string]json.RawMessage
}

// readObject reads the body. No body at all is an object without members.
func readObject(body []byte) (object, *input) {
	in := &input{}
	o := object{in: in}
	if len(bytes.TrimSpace(body)) == 0 {
		return o, in
	}
	if err := json.Unmarshal(body, &o.members); err != nil || o.members == nil {
		in.unreadable = "The body is not a JSON object."
	}
	return o, in
}

// read decodes a member; null is the same as absent.
func (o object) read(name string, to any, kind string) bool {
	raw, ok := o.members[name]
	if !ok || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, to); err != nil {
		if o.in.unreadable == "" {
			o.in.unreadable = fmt.Sprintf("The member %s%s is not %s.", o.path, lowerFirst(name), kind)
		}
		return false
	}
	return true
}

// violate notes that the value of a member breaks a constraint. The value itself is not repeated, since
// external identifiers are private.
func (o object) violate(name, constraint string) {
	o.in.violations = append(o.in.violations, fmt.Sprintf("Value at '%s%s' failed to satisfy constraint: Member must %s", o.path, lowerFirst(name), constraint))
}

func (o object) missing(name string) { o.violate(name, "not be null") }

// require notes the absence of a member that is read as an optional one.
func (o object) require(name string) {
	if raw, given := o.members[name]; !given || string(raw) == "null" {
		o.missing(name)
	}
}

// rule returns what a text must be like, or "" when it is.
type rule func(text string) string

func (o object) obey(name, text string, rules []rule) {
	for _, check := range rules {
		if constraint := check(text); constraint != "" {
			o.violate(name, constraint)
		}
	}
}

// text returns an optional text, "" when it is absent.
func (o object) text(name string, rules ...rule) string {
	text, _ := o.find(name, rules)
	return text
}

// required returns a text that must be there.
func (o object) required(name string, rules ...rule) string {
	text, ok := o.find(name, rules)
	if !ok {
		o.missing(name)
	}
	return text
}

func (o object) find(name string, rules []rule) (string, bool) {
	var text string
	if !o.read(name, &text, "a string") {
		return "", false
	}
	o.obey(name, text, rules)
	return text, true
}

// integer returns an optional number, 0 when it is absent.
func (o object) integer(name string, low, high int) int {
	var n int
	if o.read(name, &n, "an integer") && (n < low || n > high) {
		o.violate(name, fmt.Sprintf("be between %d and %d", low, high))
	}
	return n
}

// boolean returns an optional truth value, false when it is absent.
func (o object) boolean(name string) bool {
	var b bool
	o.read(name, &b, "a boolean")
	return b
}

// child returns an object within, and whether it is there. An absent one has no members.
func (o object) child(name string) (object, bool) {
	c := object{in: o.in, path: o.path + lowerFirst(name) + "."}
	ok := o.read(name, &c.members, "an object")
	return c, ok
}

// texts returns an optional list of texts.
func (o object) texts(name string, low, high int, rules ...rule) []string {
	var list []*string
	if !o.read(name, &list, "a list of strings") || !o.checkSize(name, len(list), low, high) {
		return nil
	}
	texts := make([]string, 0, len(list))
	for i, text := range list {
		member := fmt.Sprintf("%s.%d.member", name, i+1)
		if text == nil {
			o.missing(member)
			continue
		}
		o.obey(member, *text, rules)
		texts = append(texts, *text)
	}
	return texts
}

// objects returns an optional list of objects.
func (o object) objects(name string, low, high int) []object {
	var list []map[string]json.RawMessage
	if !o.read(name, &list, "a list of objects") || !o.checkSize(name, len(list), low, high) {
		return nil
	}
	objects := make([]object, 0, len(list))
	for i, members := range list {
		objects = append(objects, object{in: o.in, path: fmt.Sprintf("%s%s.%d.member.", o.path, lowerFirst(name), i+1), members: members})
	}
	return objects
}

// checkSize bounds a list before its elements are looked at, so that a long one costs nothing more.
func (o object) checkSize(name string, size, low, high int) bool {
	if size < low || size > high {
		o.violate(name, fmt.Sprintf("have length between %d and %d", low, high))
		return false
	}
	return true
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}
