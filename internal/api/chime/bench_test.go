package chime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"carillon/internal/accounts"
	"carillon/internal/api/placement"
	"carillon/internal/ids"
)

// prepared is a signed request as a server sees it, made before the clock starts.
func prepared(b *testing.B, key accounts.APIKey, method, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(b.Context(), method, "http://meet.example.org"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, r, hex.EncodeToString(sum[:]), "chime", region, time.Now()); err != nil {
		b.Fatal(err)
	}
	r.RequestURI = path
	return r
}

// benchmark sends n requests, in parallel, to the handler with the true services behind it. It leaves out
// the HTTP server; test/apiload measures the whole program.
func benchmark(b *testing.B, requests func(key accounts.APIKey, h http.Handler) []*http.Request) {
	service, store := openServices(b)
	people := accounts.New(accounts.Config{Store: store, SealKey: make([]byte, 32)})
	key, err := people.CreateKey(context.Background(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	h := New(Config{Meetings: service, Keys: people, Placement: placement.New("https://meet.example.org", ":8081")})
	list := requests(key, h)
	next := make(chan *http.Request, len(list))
	for _, r := range list {
		next <- r
	}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, <-next); w.Code != http.StatusOK {
				body, _ := io.ReadAll(w.Body)
				b.Errorf("%d %s", w.Code, body)
				return
			}
		}
	})
}

func BenchmarkCreateMeeting(b *testing.B) {
	benchmark(b, func(key accounts.APIKey, _ http.Handler) (list []*http.Request) {
		for range b.N {
			list = append(list, prepared(b, key, "POST", "/chime/meetings", newMeeting().with("ClientRequestToken", ids.New()).String()))
		}
		return list
	})
}

func BenchmarkGetMeeting(b *testing.B) {
	benchmark(b, func(key accounts.APIKey, h http.Handler) (list []*http.Request) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, prepared(b, key, "POST", "/chime/meetings", newMeeting().String()))
		_, rest, _ := strings.Cut(w.Body.String(), `"MeetingId":"`)
		id, _, _ := strings.Cut(rest, `"`)
		for range b.N {
			list = append(list, prepared(b, key, "GET", "/chime/meetings/"+id, ""))
		}
		return list
	})
}
