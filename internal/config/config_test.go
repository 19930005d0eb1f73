package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"carillon/internal/errs"
)

func load(t *testing.T, args, environ []string) (*Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, environ)
}

func TestFlagOverEnvironmentOverFileOverDefault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "carillon.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:1\nmedia: 127.0.0.1:2\nsign-up: closed\npublic-ip: [192.0.2.1, '2001:db8::1']\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, []string{"--config", file, "--listen=127.0.0.1:5", "--webhook-networks=10.1.2.3/8, fd00::/8"}, []string{"CARILLON_LISTEN=127.0.0.1:3", "CARILLON_MEDIA=127.0.0.1:4", "HOME=/root", "CARILLON_SERVICE_HOST=10.0.0.1", "CARILLON_PORT_8080_TCP=tcp://10.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:5" || c.Media != "127.0.0.1:4" || c.SignUp != "closed" || c.Data != "./data" {
		t.Errorf("precedence is wrong: %+v", c)
	}
	if len(c.PublicIPs) != 2 || c.PublicIPs[1].String() != "2001:db8::1" {
		t.Errorf("public addresses: %v", c.PublicIPs)
	}
	if len(c.WebhookNetworks) != 2 || c.WebhookNetworks[0].String() != "10.0.0.0/8" {
		t.Errorf("networks of webhooks: %v", c.WebhookNetworks)
	}
}

func TestRefusesNonsenseByName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("lisen: :80\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args, env []string
		names     string
	}{
		"unknown key of the file":  {args: []string{"--config", file}, names: "lisen"},
		"missing file":             {args: []string{"--config", file + "x"}, names: "configuration file"},
		"unknown variable":         {env: []string{"CARILLON_LISEN=:80"}, names: "CARILLON_LISEN"},
		"address without port":     {args: []string{"--listen", "localhost"}, names: "--listen"},
		"port out of range":        {args: []string{"--media", ":70000"}, names: "--media"},
		"public address":           {args: []string{"--public-ip", "example"}, names: "--public-ip"},
		"relay without a port":     {args: []string{"--turn", "localhost"}, names: "--turn"},
		"relay without a key":      {args: []string{"--turn-tls", ":5349", "--turn-cert", "x"}, names: "--turn-key"},
		"relay with a stray key":   {args: []string{"--turn-key", "x"}, names: "--turn-tls"},
		"relay host with a port":   {args: []string{"--turn-host", "a.example:3478"}, names: "--turn-host"},
		"relay policy":             {args: []string{"--turn-policy", "maybe"}, names: "--turn-policy"},
		"relay always, but none":   {args: []string{"--turn-policy", "always"}, names: "--turn-policy"},
		"public url with a path":   {args: []string{"--public-url", "https://a.example/x"}, names: "--public-url"},
		"public url without host":  {args: []string{"--public-url", "https://"}, names: "--public-url"},
		"sign-up policy":           {env: []string{"CARILLON_SIGN_UP=maybe"}, names: "CARILLON_SIGN_UP"},
		"log level":                {args: []string{"--log", "loud"}, names: "--log"},
		"ready file descriptor":    {args: []string{"--ready-fd", "x"}, names: "--ready-fd"},
		"mail server of bad shape": {args: []string{"--smtp-url", "http://secret@x"}, names: "--smtp-url"},
		"webhook network":          {args: []string{"--webhook-networks", "10.0.0.1"}, names: "--webhook-networks"},
		"empty data directory":     {args: []string{"--data", ""}, names: "--data"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.args, tc.env)
			if err == nil {
				t.Fatal("accepted")
			}
			if errs.CodeOf(err) != errs.Invalid {
				t.Errorf("code %v", errs.CodeOf(err))
			}
			if !strings.Contains(err.Error(), tc.names) {
				t.Errorf("%q does not name %q", err, tc.names)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q repeats a password", err)
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("listen: :80\n"))
	f.Add([]byte("- a\n- b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := parseFile("f", text)
		if err == nil {
			for key := range values {
				if key == "" {
					t.Error("empty key accepted")
				}
			}
		}
	})
}
