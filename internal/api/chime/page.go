package chime

import (
	"fmt"
	"strconv"
)

// readPage reads the query members of a list.
func (h *Handler) readPage(c call) (limit int, token string, err error) {
	in := &input{}
	o := object{in: in}
	limit = h.maxPage
	if c.query.Has("max-results") {
		if limit, err = strconv.Atoi(c.query.Get("max-results")); err != nil {
			return 0, "", unreadable("The query member max-results is not an integer.")
		}
		if limit < 1 || limit > h.maxPage {
			o.violate("maxResults", fmt.Sprintf("be between 1 and %d", h.maxPage))
		}
	}
	token = c.query.Get("next-token")
	o.obey("nextToken", token, []rule{length(0, 4096)})
	return limit, token, in.err()
}
