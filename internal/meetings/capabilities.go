package meetings

import "carillon/internal/errs"

// What an attendee may do with one kind of media.
const (
	sendReceive = "SendReceive"
	receive     = "Receive"
	none        = "None"
)

// capabilities returns what a new attendee of a conference with these features may do: what was given if
// that is allowed, and else as much as the features leave. A conference without cameras lets attendees who
// asked for nothing receive video, because content needs it; only values that were given are refused.
func (f Features) capabilities(given *Capabilities) (Capabilities, error) {
	noVideo, noContent := f.VideoResolution == none, f.ContentResolution == none
	if given == nil {
		c := everything
		switch {
		case noVideo && noContent:
			c.Video, c.Content = none, none
		case noVideo:
			c.Video = receive
		case noContent:
			c.Content = none
		}
		return c, nil
	}
	receives := func(capability string) bool { return capability == sendReceive || capability == receive }
	switch {
	case noVideo && given.Video != none:
		return Capabilities{}, errs.Field("capabilities", "The video capability must be None in a meeting without video.")
	case noContent && given.Content != none:
		return Capabilities{}, errs.Field("capabilities", "The content capability must be None in a meeting without content.")
	case receives(given.Content) && !receives(given.Video):
		return Capabilities{}, errs.Field("capabilities", "Receiving content needs a video capability of SendReceive or Receive.")
	}
	return *given, nil
}
