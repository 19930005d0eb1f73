package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

const region = "eu-central-1"

// signer signs for one key, host and moment; a signature is good for five minutes.
type signer struct {
	keyID, host, stamp, scope string
	key                       []byte
}

func newSigner(keyID, secret, host string, at time.Time) signer {
	at = at.UTC()
	day := at.Format("20060102")
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, "chime", "aws4_request"} {
		key = mac(key, part)
	}
	return signer{keyID: keyID, host: host, stamp: at.Format("20060102T150405Z"), scope: day + "/" + region + "/chime/aws4_request", key: key}
}

// request is a whole signed request, ready to be sent.
func (s signer) request(method, path, body string) []byte {
	canonical := method + "\n" + path + "\n\nhost:" + s.host + "\nx-amz-date:" + s.stamp + "\n\nhost;x-amz-date\n" + hash(body)
	signature := mac(s.key, "AWS4-HMAC-SHA256\n"+s.stamp+"\n"+s.scope+"\n"+hash(canonical))
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Amz-Date: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=host;x-amz-date, Signature=%x\r\n\r\n%s",
		method, path, s.host, s.stamp, len(body), s.keyID, s.scope, signature, body)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (s *server) createMeeting() []byte {
	return s.signer.request("POST", "/chime/meetings", fmt.Sprintf(`{"ClientRequestToken":%q,"MediaRegion":%q,"ExternalMeetingId":"standup"}`, uuid.NewString(), region))
}

// creations are as many meetings as attendees, the attendees spread over meetings that exist.
func (s *server) creations(meetings []string, n int) [][]byte {
	list := make([][]byte, 0, n)
	for i := range n / 2 {
		list = append(list, s.createMeeting(), s.signer.request("POST", "/chime/meetings/"+meetings[i%len(meetings)]+"/attendees",
			fmt.Sprintf(`{"ExternalUserId":%q}`, uuid.NewString())))
	}
	return list
}

// reads ask for each meeting once; they can be sent again and again.
func (s *server) reads(meetings []string, _ int) [][]byte {
	list := make([][]byte, 0, len(meetings))
	for _, id := range meetings {
		list = append(list, s.signer.request("GET", "/chime/meetings/"+id, ""))
	}
	return list
}

// createMeetings makes the meetings that the measurements need.
func (s *server) createMeetings(n int) ([]string, error) {
	conn, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	var list []string
	for range n {
		if _, err := conn.Write(s.createMeeting()); err != nil {
			return nil, err
		}
		body, err := readAnswer(answers)
		if err != nil {
			return nil, err
		}
		var made struct{ Meeting struct{ MeetingID string } }
		if err := json.Unmarshal(body, &made); err != nil {
			return nil, err
		}
		list = append(list, made.Meeting.MeetingID)
	}
	return list, nil
}
