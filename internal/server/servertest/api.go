package servertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"carillon/internal/accounts"
	"carillon/internal/ids"
	"carillon/internal/server"
)

// Program is an application that uses the meetings API with a key of its own.
type Program struct {
	t      testing.TB
	server *Server
	key    accounts.APIKey
}

// Program makes a key, as the command line does beside the running server.
func (s *Server) Program(t testing.TB) *Program {
	t.Helper()
	p := &Program{t: t, server: s}
	p.administer(func(ctx context.Context, a *accounts.Service) (err error) {
		p.key, err = a.CreateKey(ctx, "test")
		return err
	})
	return p
}

// At is the same program with its key, pointed at another server on the same data.
func (p *Program) At(s *Server) *Program { return &Program{p.t, s, p.key} }

// RevokeKey takes the program's key away.
func (p *Program) RevokeKey() {
	p.t.Helper()
	p.administer(func(ctx context.Context, a *accounts.Service) error { return a.RevokeKey(ctx, p.key.ID) })
}

func (p *Program) administer(f func(context.Context, *accounts.Service) error) {
	p.t.Helper()
	admin, err := server.OpenAccounts(p.t.Context(), p.server.Data, "")
	must(p.t, err)
	defer admin.Close()
	must(p.t, f(p.t.Context(), admin.Accounts))
}

// Call sends a signed request below /chime, decodes the answer into out, if that is not nil, and returns the
// status and the name of the error, or "".
func (p *Program) Call(method, path string, in, out any) (status int, name string) {
	p.t.Helper()
	var body []byte
	if in != nil {
		var err error
		body, err = json.Marshal(in)
		must(p.t, err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL()+"/chime"+path, bytes.NewReader(body))
	must(p.t, err)
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: p.key.ID, SecretAccessKey: p.key.Secret}
	must(p.t, v4.NewSigner().SignHTTP(p.t.Context(), credentials, r, hex.EncodeToString(sum[:]), "chime", "eu-central-1", time.Now()))
	response, err := http.DefaultClient.Do(r)
	must(p.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(p.t, err)
	if out != nil && response.StatusCode < 300 {
		must(p.t, json.Unmarshal(text, out))
	}
	return response.StatusCode, response.Header.Get("x-amzn-ErrorType")
}

// CreateMeeting makes a meeting of the API and returns its id. features may be nil.
func (p *Program) CreateMeeting(features map[string]any) string {
	p.t.Helper()
	in := map[string]any{"ClientRequestToken": ids.New(), "MediaRegion": "eu-central-1", "ExternalMeetingId": "standup"}
	if features != nil {
		in["MeetingFeatures"] = features
	}
	var out struct{ Meeting struct{ MeetingID string } }
	if status, name := p.Call("POST", "/meetings", in, &out); status != http.StatusOK {
		p.t.Fatalf("CreateMeeting: %d %s", status, name)
	}
	return out.Meeting.MeetingID
}

// CreateAttendee makes an attendee and returns what a client needs to join.
func (p *Program) CreateAttendee(meetingID, user string) Ticket {
	p.t.Helper()
	var m struct {
		Meeting struct {
			MediaPlacement struct{ SignalingURL string }
		}
	}
	var a struct {
		Attendee struct{ AttendeeID, ExternalUserID, JoinToken string }
	}
	if status, name := p.Call("GET", "/meetings/"+meetingID, nil, &m); status != http.StatusOK {
		p.t.Fatalf("GetMeeting: %d %s", status, name)
	}
	if status, name := p.Call("POST", "/meetings/"+meetingID+"/attendees", map[string]string{"ExternalUserId": user}, &a); status != http.StatusOK {
		p.t.Fatalf("CreateAttendee: %d %s", status, name)
	}
	return Ticket{ConferenceID: meetingID, SignalingURL: m.Meeting.MediaPlacement.SignalingURL, AttendeeID: a.Attendee.AttendeeID,
		ExternalUserID: a.Attendee.ExternalUserID, Token: a.Attendee.JoinToken}
}
