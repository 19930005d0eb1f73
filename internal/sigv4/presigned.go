package sigv4

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxExpires is how long a presigned URL may be good: seven days.
const maxExpires = 7 * 24 * time.Hour

// signatureMember is the one member of a presigned URL's query that is not signed.
const signatureMember = "X-Amz-Signature"

// isPresigned reports whether a query carries a signature, in any spelling, so that one that is spelled
// wrongly is refused and not overlooked.
func isPresigned(query string) bool {
	return slices.ContainsFunc(queryMembers(query), func(m member) bool { return strings.EqualFold(m.name, signatureMember) })
}

// parsePresigned reads the members of a presigned URL that would otherwise be in the Authorization header.
func parsePresigned(query string) (authorization, error) {
	if len(query) > maxAuthorization {
		return authorization{}, fail(Malformed, "The query of the presigned URL is too long.")
	}
	members := make(map[string]string)
	for _, m := range queryMembers(query) {
		if !strings.HasPrefix(m.name, "X-Amz-") {
			continue
		}
		if _, twice := members[m.name]; twice {
			return authorization{}, fail(Malformed, "The query holds %s twice.", m.name)
		}
		members[m.name] = m.value
	}
	if members["X-Amz-Algorithm"] != algorithm {
		return authorization{}, fail(Malformed, "X-Amz-Algorithm must be %s.", algorithm)
	}
	a := authorization{presignedAt: members["X-Amz-Date"]}
	if a.presignedAt == "" {
		return authorization{}, fail(Malformed, "The presigned URL has no X-Amz-Date.")
	}
	seconds, err := strconv.Atoi(members["X-Amz-Expires"])
	if err != nil || seconds < 1 || seconds > int(maxExpires/time.Second) {
		return authorization{}, fail(Malformed, "X-Amz-Expires must be between 1 and %d seconds.", int(maxExpires/time.Second))
	}
	a.expires = time.Duration(seconds) * time.Second
	_, a.temporary = members["X-Amz-Security-Token"]
	if err := a.parseCredential(members["X-Amz-Credential"]); err != nil {
		return authorization{}, err
	}
	if err := a.parseSignedHeaders(members["X-Amz-SignedHeaders"]); err != nil {
		return authorization{}, err
	}
	return a, a.parseSignature(members[signatureMember])
}
