package chime

import (
	"net/http"
	"slices"
	"strings"

	"carillon/internal/errs"
	"carillon/internal/ids"
)

// The parts of the name of a meeting: arn:aws:chime:<region>:<account>:meeting/<id>.
const (
	arnPrefix = "arn:aws:chime:"
	// account stands for the owner, which has a place of 12 digits.
	account = "000000000000"
	arnKind = ":meeting/"
)

var reservedTagKey = badRequest("Tag keys must not start with aws:, which is reserved.")

type tagsReply struct{ Tags []tag }

type tag struct{ Key, Value string }

// tagsOf lists tags in order of their keys: a map has none, and clients like answers that do not jump.
func tagsOf(tags map[string]string) tagsReply {
	reply := tagsReply{Tags: make([]tag, 0, len(tags))}
	for key, value := range tags {
		reply.Tags = append(reply.Tags, tag{key, value})
	}
	slices.SortFunc(reply.Tags, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	return reply
}

func (h *Handler) tagResource(c call) (any, error) {
	o, in := readObject(c.body)
	name := o.required("ResourceARN", resourceARN...)
	tags, err := h.readTagList(o, in, h.minTags, 50)
	if err != nil {
		return nil, err
	}
	return nil, h.onResource(name, func(id string) error {
		return h.meetings.TagConference(c.context(), c.actor, id, tags)
	})
}

func (h *Handler) untagResource(c call) (any, error) {
	o, in := readObject(c.body)
	name := o.required("ResourceARN", resourceARN...)
	keys, err := h.readTagKeys(o, in, h.minTags, 50)
	if err != nil {
		return nil, err
	}
	return nil, h.onResource(name, func(id string) error {
		return h.meetings.UntagConference(c.context(), c.actor, id, keys)
	})
}

func (h *Handler) listTagsForResource(c call) (any, error) {
	in := &input{}
	o := object{in: in}
	name, given := c.query.Get("arn"), c.query.Has("arn")
	if !given {
		o.missing("arn")
	} else {
		o.obey("arn", name, resourceARN)
	}
	if err := in.err(); err != nil {
		return nil, err
	}
	var tags map[string]string
	err := h.onResource(name, func(id string) (err error) {
		tags, err = h.meetings.ConferenceTags(c.context(), c.actor, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tagsOf(tags), nil
}

// onResource calls do with the meeting that a resource name names, and gives the errors of the tag
// operations their own names.
func (h *Handler) onResource(name string, do func(id string) error) error {
	missing := failure{http.StatusNotFound, "ResourceNotFoundException", "NotFound", "There is no such meeting, or it has ended.", name}
	id, ok := meetingOf(name)
	if !ok {
		return missing
	}
	err := do(id)
	if err == nil {
		return nil
	}
	message, _ := errs.Public(err)
	switch errs.CodeOf(err) {
	case errs.NotFound, errs.Gone:
		return missing
	case errs.LimitExceeded:
		return failure{http.StatusBadRequest, "TooManyTagsException", "BadRequest", message, name}
	}
	return err
}

// meetingOf returns the id in the name of a meeting, whose region may be any or none.
func meetingOf(name string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(name, arnPrefix)
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, ":")
	if !ok {
		return "", false
	}
	id, ok = strings.CutPrefix(rest, account+arnKind)
	return strings.ToLower(id), ok && ids.IsGUID(id)
}

// readTags reads an optional list of tags.
func (h *Handler) readTags(o object, low, high int) (tags map[string]string, twice bool) {
	for _, item := range o.objects("Tags", low, high) {
		key := item.required("Key", h.tagKey...)
		value := item.required("Value", h.tagValue...)
		if tags == nil {
			tags = make(map[string]string)
		}
		if _, seen := tags[key]; seen {
			twice = true
		}
		tags[key] = value
	}
	return tags, twice
}

// readTagList reads a list of tags that must be there, and ends the reading of the request.
func (h *Handler) readTagList(o object, in *input, low, high int) (map[string]string, error) {
	o.require("Tags")
	tags, twice := h.readTags(o, low, high)
	if err := in.err(); err != nil {
		return nil, err
	}
	if twice {
		return nil, badRequest("Tags must not hold a key twice.")
	}
	return tags, checkTagKeys(tags)
}

func (h *Handler) readTagKeys(o object, in *input, low, high int) ([]string, error) {
	o.require("TagKeys")
	keys := o.texts("TagKeys", low, high, h.tagKey...)
	return keys, in.err()
}

func checkTagKeys(tags map[string]string) error {
	for key := range tags {
		if reserved(key) {
			return reservedTagKey
		}
	}
	return nil
}
