// Package authz decides who may do what. All permissions of the system are the rows of one table, and
// Check is the first thing that each method of a service does with its actor. The package has no state.
package authz

import (
	"fmt"
	"slices"
	"strings"

	"carillon/internal/errs"
)

// Operators is the group whose members may change and delete what others own.
const Operators = "Operators"

// Actor is who asks: a signed-in person, an API key, or the system itself. The zero Actor is nobody.
type Actor struct {
	AccountID string   // the person, "" for API keys and the system
	Groups    []string // groups of the person
	KeyID     string   // access key id, "" for people; an actor with a KeyID is never treated as a person
	System    bool     // the server itself or its command line
}

// In reports whether the actor belongs to the group.
func (a Actor) In(group string) bool { return slices.Contains(a.Groups, group) }

// Action is something that needs permission.
type Action string

// The actions.
const (
	MeetingRead       Action = "meeting.read"
	MeetingCreate     Action = "meeting.create"
	MeetingUpdate     Action = "meeting.update"
	MeetingDelete     Action = "meeting.delete"
	MeetingJoin       Action = "meeting.join"
	ConferenceManage  Action = "conference.manage"   // the Chime API: conferences and attendees
	WebhookManage     Action = "webhook.manage"      // a key: its own webhooks; the system: all, and those for all conferences
	AccountManageSelf Action = "account.manage-self" // one's own name and password
	AccountManage     Action = "account.manage"      // accounts of others, and API keys
)

// Resource is what the action is about.
type Resource struct {
	OwnerID string // account that owns it, "" when nobody does or it does not exist yet
}

// rule is one row of the table: which roles may do the action. A person has the role person, also owner
// when the resource is his, and also operator when he is in that group; one role that may is enough.
type rule struct {
	action                               Action
	person, owner, operator, key, system bool
}

const yes, no = true, false

func rules() []rule {
	return []rule{
		//                  person owner operator key  system
		{MeetingRead, yes, yes, yes, no, yes},
		{MeetingCreate, yes, yes, yes, no, yes},
		{MeetingUpdate, no, yes, yes, no, yes},
		{MeetingDelete, no, yes, yes, no, yes},
		{MeetingJoin, yes, yes, yes, no, no},
		{ConferenceManage, no, no, no, yes, yes},
		{WebhookManage, no, no, no, yes, yes},
		{AccountManageSelf, no, yes, no, no, yes},
		{AccountManage, no, no, no, no, yes},
	}
}

// Check returns nil when the actor may do the action to the resource, an Unauthenticated error for the
// zero actor and a Forbidden error for everybody else. An action without a row is forbidden to all.
func Check(actor Actor, action Action, res Resource) error {
	if actor.AccountID == "" && actor.KeyID == "" && !actor.System {
		return errs.New(errs.Unauthenticated, "Sign in first.")
	}
	for _, r := range rules() {
		if r.action == action && r.allows(actor, res) {
			return nil
		}
	}
	return errs.New(errs.Forbidden, "You are not allowed to do this.")
}

func (r rule) allows(a Actor, res Resource) bool {
	switch {
	case a.System:
		return r.system
	case a.KeyID != "":
		return r.key
	default:
		return r.person ||
			r.owner && res.OwnerID != "" && res.OwnerID == a.AccountID ||
			r.operator && a.In(Operators)
	}
}

// Table returns the permissions as a Markdown table, for the documentation.
func Table() string {
	var b strings.Builder
	b.WriteString("| action | signed-in person | owner | Operators | API key | system |\n|---|---|---|---|---|---|\n")
	mark := map[bool]string{yes: "yes", no: "–"}
	for _, r := range rules() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n",
			r.action, mark[r.person], mark[r.owner], mark[r.operator], mark[r.key], mark[r.system])
	}
	return b.String()
}
