package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// carillon runs one command and returns its exit status and output.
func carillon(t *testing.T, input string, args ...string) (status int, out, errors string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), stdio{in: strings.NewReader(input), out: &stdout, err: &stderr}, args)
	return status, stdout.String(), stderr.String()
}

func TestKeys(t *testing.T) {
	data := t.TempDir()
	status, out, errors := carillon(t, "", "keys", "create", "--data", data, "--name", "my application", "--json")
	if status != 0 {
		t.Fatalf("create: %d %s", status, errors)
	}
	var key map[string]string
	if err := json.Unmarshal([]byte(out), &key); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(key["accessKeyId"]) != 20 || len(key["secretAccessKey"]) < 32 || key["name"] != "my application" {
		t.Errorf("key %v", key)
	}
	if _, out, _ = carillon(t, "", "keys", "list", "--data", data); !strings.Contains(out, key["accessKeyId"]) || strings.Contains(out, key["secretAccessKey"]) {
		t.Errorf("list must show the id and not the secret:\n%s", out)
	}
	if status, out, errors = carillon(t, "", "keys", "limit", "--data", data, "--rate", "10", "--max-meetings", "250", key["accessKeyId"]); status != 0 || !strings.Contains(out, "10 requests") {
		t.Errorf("limit: %d %s %s", status, out, errors)
	}
	if _, out, _ = carillon(t, "", "keys", "list", "--data", data); !strings.Contains(out, " 250") {
		t.Errorf("list:\n%s", out)
	}
	// What is not given stays.
	if _, out, errors = carillon(t, "", "keys", "limit", "--data", data, "--rate", "5", key["accessKeyId"]); !strings.Contains(out, "5 requests") || !strings.Contains(out, "250 meetings") {
		t.Errorf("another rate: %s %s", out, errors)
	}
	for _, args := range [][]string{{"keys", "limit", "--data", data, "--rate", "-1", key["accessKeyId"]}, {"keys", "create", "--data", data, "--name", "x", "--rate", "-1"}} {
		if status, _, errors = carillon(t, "", args...); status != 2 || !strings.Contains(errors, "rate") {
			t.Errorf("%q: %d %s", args, status, errors)
		}
	}
	if status, _, _ = carillon(t, "", "keys", "limit", "--data", data, "--rate", "1", "CKAAAAAAAAAAAAAAAAAA"); status != 1 {
		t.Errorf("limit of an unknown key: status %d", status)
	}
	if status, _, errors = carillon(t, "", "keys", "revoke", "--data", data, key["accessKeyId"]); status != 0 {
		t.Errorf("revoke: %d %s", status, errors)
	}
	if status, _, _ = carillon(t, "", "keys", "revoke", "--data", data, "CKAAAAAAAAAAAAAAAAAA"); status != 1 {
		t.Errorf("revoking an unknown key: status %d", status)
	}
}

func TestUsers(t *testing.T) {
	data := t.TempDir()
	const password = "correct horse battery"
	status, _, errors := carillon(t, password+"\n", "users", "create", "--data", data, "--email", "ann@example.org", "--password-stdin", "--admin")
	if status != 0 {
		t.Fatalf("create: %d %s", status, errors)
	}
	status, _, errors = carillon(t, password+"\n", "users", "create", "--data", data, "--email", "Ann@example.org", "--password-stdin")
	if status != 1 || strings.Contains(errors, password) {
		t.Errorf("the same address again: %d %s", status, errors)
	}
	if status, _, errors = carillon(t, "short\n", "users", "create", "--data", data, "--email", "ben@example.org", "--password-stdin"); status != 2 {
		t.Errorf("a short password: %d %s", status, errors)
	}
	if status, _, _ = carillon(t, "", "users", "create", "--data", data, "--email", "ben@example.org"); status != 2 {
		t.Errorf("no password: status %d", status)
	}
	if status, _, errors = carillon(t, "", "users", "disable", "--data", data, "--email", "ann@example.org"); status != 0 {
		t.Errorf("disable: %d %s", status, errors)
	}
	_, out, _ := carillon(t, "", "users", "list", "--data", data)
	if !strings.Contains(out, "ann@example.org") || !strings.Contains(out, "Operators") || !strings.Contains(out, "disabled") {
		t.Errorf("list:\n%s", out)
	}
	if status, _, errors = carillon(t, "another long password\n", "users", "reset-password", "--data", data, "--email", "ann@example.org", "--password-stdin"); status != 0 {
		t.Errorf("reset-password: %d %s", status, errors)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{
		{}, {"fly"}, {"keys"}, {"keys", "forge"}, {"users"}, {"users", "forge"}, {"serve", "--no-such-flag"},
		{"serve", "surplus"}, {"serve", "--listen", "nowhere"}, {"keys", "revoke"}, {"keys", "create", "--data", ""},
		{"webhooks"}, {"webhooks", "forge"}, {"webhooks", "delete"}, {"webhooks", "list", "--data", ""}, {"timeline"}, {"keys", "limit", "CKAAAAAAAAAAAAAAAAAA"},
	} {
		status, _, errors := carillon(t, "", args...)
		if status != 2 || errors == "" {
			t.Errorf("%q: status %d, %q", args, status, errors)
		}
	}
	if status, out, _ := carillon(t, "", "help"); status != 0 || !strings.Contains(out, "carillon serve") {
		t.Errorf("help: %d %q", status, out)
	}
}

func TestHelp(t *testing.T) {
	for command, want := range map[string]string{
		"help": "carillon serve", "keys --help": "carillon keys limit", "users -h": "carillon users disable", "webhooks help": "carillon webhooks replay",
		"keys limit --help": "Usage: carillon keys limit ACCESS-KEY-ID [flags]", "webhooks replay --help": "Usage: carillon webhooks replay WEBHOOK-ID [flags]",
		"timeline --help": "Usage: carillon timeline CONFERENCE-ID [flags]", "users create --help": "--password-stdin", "serve --help": "--webhook-networks",
	} {
		status, out, errors := carillon(t, "", strings.Fields(command)...)
		if status != 0 || !strings.Contains(out, want) || errors != "" {
			t.Errorf("%s: status %d\n%s%s", command, status, out, errors)
		}
	}
}

// TestServe starts the server as a service manager does, waits for its ready line, and ends it.
func TestServe(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "ready.json")
	pipe, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	defer write.Close()
	descriptor, err := unix.Dup(int(write.Fd())) // the server closes it
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, stdio{in: strings.NewReader(""), out: io.Discard, err: &stderr}, []string{
			"serve", "--data", data, "--listen", "127.0.0.1:0", "--media", "127.0.0.1:0",
			"--ready-file", file, "--ready-fd", strconv.Itoa(descriptor),
		})
	}()
	line := make([]byte, 1024)
	pipe.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := pipe.Read(line)
	if err != nil {
		t.Fatalf("no ready line: %v\n%s", err, stderr.String())
	}
	var said ready
	if err := json.Unmarshal(line[:n], &said); err != nil {
		t.Fatalf("%v: %s", err, line[:n])
	}
	written, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(written, line[:n]) {
		t.Errorf("the file says %q, the descriptor %q (%v)", written, line[:n], err)
	}
	response, err := http.Get(said.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %s", response.Status)
	}

	if status, _, errors := carillon(t, "", "serve", "--data", data, "--listen", "127.0.0.1:0", "--media", "127.0.0.1:0"); status != 1 || !strings.Contains(errors, "another server") {
		t.Errorf("a second server on the same data: %d %s", status, errors)
	}
	if status, _, errors := carillon(t, "", "keys", "create", "--data", data, "--name", "while it runs"); status != 0 {
		t.Errorf("keys create while the server runs: %d %s", status, errors)
	}

	stop()
	select {
	case status := <-ended:
		if status != 0 {
			t.Errorf("status %d at the end\n%s", status, stderr.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
}
