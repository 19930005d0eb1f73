package authz

import (
	"slices"
	"strings"
	"testing"

	"carillon/internal/errs"
)

// TestTable says for each action which of the actors may do it to a thing that the account "ann" owns. It is
// written out a second time on purpose: a change of a permission has to be made in two places.
func TestTable(t *testing.T) {
	actors := map[string]Actor{
		"nobody":        {},
		"only groups":   {Groups: []string{Operators}}, // still nobody
		"owner":         {AccountID: "ann"},
		"other":         {AccountID: "bob", Groups: []string{"Friends"}},
		"operator":      {AccountID: "eve", Groups: []string{"Friends", Operators}},
		"key":           {KeyID: "CK1"},
		"key as person": {KeyID: "CK1", AccountID: "ann", Groups: []string{Operators}}, // a key is never a person
		"system":        {System: true},
	}
	allowed := map[Action]string{
		MeetingRead:       "owner other operator system",
		MeetingCreate:     "owner other operator system",
		MeetingUpdate:     "owner operator system",
		MeetingDelete:     "owner operator system",
		MeetingJoin:       "owner other operator",
		ConferenceManage:  "key,key as person,system",
		WebhookManage:     "key,key as person,system",
		AccountManageSelf: "owner system",
		AccountManage:     "system",
		"unheard of":      "",
	}
	for action, list := range allowed {
		sep := " "
		if strings.Contains(list, ",") {
			sep = ","
		}
		may := strings.Split(list, sep)
		for name, actor := range actors {
			want := errs.Forbidden
			switch {
			case name == "nobody" || name == "only groups":
				want = errs.Unauthenticated
			case slices.Contains(may, name):
				want = ""
			}
			err := Check(actor, action, Resource{OwnerID: "ann"})
			var got errs.Code
			if err != nil {
				got = errs.CodeOf(err)
			}
			if got != want {
				t.Errorf("%s by %s: got %q, want %q", action, name, got, want)
			}
		}
	}
	if len(allowed)-1 != len(rules()) {
		t.Errorf("the test knows %d actions, the table has %d", len(allowed)-1, len(rules()))
	}
}

func TestNobodyOwnsWhatHasNoOwner(t *testing.T) {
	for _, actor := range []Actor{{AccountID: "ann"}, {KeyID: "CK1"}} {
		if err := Check(actor, MeetingDelete, Resource{}); errs.CodeOf(err) != errs.Forbidden {
			t.Errorf("%+v: %v", actor, err)
		}
	}
}

func TestTableIsPrintedWhole(t *testing.T) {
	table := Table()
	if got, want := strings.Count(table, "\n"), len(rules())+2; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	if want := "| meeting.delete | – | yes | yes | – | yes |"; !strings.Contains(table, want) {
		t.Errorf("%q is missing in\n%s", want, table)
	}
}
