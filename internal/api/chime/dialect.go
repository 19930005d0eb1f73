package chime

import "net/http"

// dialect is what differs between the API of 2021-07-15 and its predecessor of 2018-05-01, beside routes and
// names of errors.
type dialect struct {
	old           bool
	created       int    // status of an answer to a creation
	maxPage       int    // greatest max-results
	firstBatch    int    // how many attendees may be made together with their meeting
	externalModel []rule // what the model says of ids that applications choose
	external      []rule // the documented rule beyond that
	tagKey        []rule
	tagValue      []rule
	minTags       int // how many tags a request to tag holds at least
}

func current() dialect {
	return dialect{
		created:       http.StatusOK,
		maxPage:       100,
		firstBatch:    20,
		externalModel: []rule{length(2, 64)},
		external:      []rule{externalCharacters},
		tagKey:        tagKey,
		tagValue:      tagValue,
	}
}

// legacy checks lengths only, as its model does.
func legacy() dialect {
	return dialect{
		old:           true,
		created:       http.StatusCreated,
		maxPage:       99,
		firstBatch:    10,
		externalModel: []rule{length(2, 64)},
		tagKey:        []rule{length(1, 128)},
		tagValue:      []rule{length(1, 256)},
		minTags:       1,
	}
}

// defaultRegion is the media region of meetings of the older API that name none.
const defaultRegion = "us-east-1"

// externalID are all rules for an id that the application chooses.
func (d dialect) externalID() []rule {
	return append(d.externalModel[:len(d.externalModel):len(d.externalModel)], d.external...)
}

// failure gives an error the name that it has in the dialect.
func (d dialect) failure(f failure) failure {
	if !d.old {
		return f
	}
	switch f.name {
	case "LimitExceededException", "TooManyTagsException":
		f.name, f.code = "ResourceLimitExceededException", "ResourceLimitExceeded"
	case "ThrottlingException":
		f.name, f.code = "ThrottledClientException", "Throttled"
	case "UnauthorizedException":
		f.name = "UnauthorizedClientException"
	case "ResourceNotFoundException":
		f.name = "NotFoundException"
	}
	return f
}
