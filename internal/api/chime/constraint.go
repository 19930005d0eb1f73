package chime

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The constraints of the API's model. Lengths count code points, patterns hold for the whole text.

func length(low, high int) rule {
	return func(text string) string {
		if n := utf8.RuneCountInString(text); n < low || n > high {
			return fmt.Sprintf("have length between %d and %d", low, high)
		}
		return ""
	}
}

func oneOf(values ...string) rule {
	return func(text string) string {
		if !slices.Contains(values, text) {
			return "satisfy enum value set: [" + strings.Join(values, ", ") + "]"
		}
		return ""
	}
}

func pattern(expression string) rule {
	compiled := regexp.MustCompile(`^(?:` + expression + `)$`)
	return func(text string) string {
		if !compiled.MatchString(text) {
			return "satisfy regular expression pattern: " + expression
		}
		return ""
	}
}

// The constraints of single members. None of them is ever changed.
var (
	// externalCharacters is the documented character set of ids that applications choose.
	externalCharacters = pattern(`[a-zA-Z0-9À-ÿ\s\-_&@+=,(){}\[\]/«».:|'"#]*`)
	clientRequestToken = []rule{length(2, 64), pattern(`[-_a-zA-Z0-9]*`)}
	tenantID           = []rule{length(2, 256), pattern(`[-_!@#$a-zA-Z0-9]*`), varied}
	// arn is the address of a notification target.
	arn      = []rule{length(1, 1024), pattern(`arn[/:\-_.a-zA-Z0-9]+`)}
	tagKey   = []rule{length(1, 128), pattern(`[a-zA-Z_+-=]*`)}
	tagValue = []rule{length(0, 256), pattern(`[\s\w+-=@]*`)}

	// resourceARN is the name of what is tagged.
	resourceARN = []rule{length(1, 1011), pattern(`arn:.*`)}
	guid        = pattern(`[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}`)
	telephone   = pattern(`\+?[1-9]\d{1,14}`)

	capability = oneOf("SendReceive", "Send", "Receive", "None")

	// regionName is the form of the region names that applications of the original service send.
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}$`)
)

// varied refuses the same character four times in a row, which regular expressions cannot say here.
func varied(text string) string {
	if repeats(text, 4) {
		return "not hold the same character four times in a row"
	}
	return ""
}

// repeats reports whether some byte stands n times in a row.
func repeats(text string, n int) bool {
	run := 0
	for i := range len(text) {
		if i > 0 && text[i] == text[i-1] {
			run++
		} else {
			run = 1
		}
		if run >= n {
			return true
		}
	}
	return false
}

// reserved reports whether an id or a tag key has the prefix that applications may not use.
func reserved(text string) bool {
	return len(text) >= 4 && strings.EqualFold(text[:4], "aws:")
}
