package httpserver_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"carillon/internal/httpserver"
)

// What no handler ever sees is answered in JSON too, and what handlers say is left alone.
func TestRefusalsAreJSON(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{MaxHeaderBytes: 4 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "of a handler", http.StatusBadRequest)
	})}
	go server.Serve(httpserver.WithJSONRefusals(listener))
	defer server.Close()
	for name, tc := range map[string]struct {
		request string
		status  int
	}{
		"path":            {"GET /chime/meetings/%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"header":          {"GET /chime/meetings HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n", 400},
		"host":            {"GET /console/meetings HTTP/1.1\r\n\r\n", 400},
		"transfer coding": {"POST /chime/meetings HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"version":         {"GET /chime/meetings HTTP/9.9\r\nHost: h\r\n\r\n", 505},
		"size":            {"GET /chime/meetings HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 431},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := send(t, listener.Addr(), tc.request)
			var said struct {
				Type    string `json:"__type"`
				Message string
			}
			if response.StatusCode != tc.status || response.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got %s %v", response.Status, response.Header)
			}
			if err := json.Unmarshal(body, &said); err != nil || said.Type == "" || said.Type != response.Header.Get("x-amzn-ErrorType") || said.Message == "" {
				t.Errorf("got %s (%v)", body, err)
			}
		})
	}
	response, body := send(t, listener.Addr(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if response.StatusCode != 400 || string(body) != "of a handler\n" {
		t.Errorf("the answer of a handler became %s: %s", response.Status, body)
	}
}

func send(t *testing.T, to net.Addr, request string) (*http.Response, []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}
