// Package config gathers the settings of the program: command-line flag over CARILLON_… environment
// variable over configuration file over default. Only the composition root and the command read it.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"carillon/internal/errs"
)

// Config is the settings of `carillon serve`, checked by Load.
type Config struct {
	Listen          string         // HTTP address, host:port
	Media           string         // media address, host:port (UDP and TCP)
	PublicIPs       []netip.Addr   // addresses announced to browsers before those of the interfaces
	TURN            TURN           // the relay
	PublicURL       *url.URL       // the address people open; nil = taken from each request
	Data            string         // directory of everything that lasts
	Database        string         // data source name; "" = SQLite in Data
	SMTP            *url.URL       // smtp:// or smtps:// URL with sender; nil = no e-mail
	SignUp          string         // open, invite or closed
	WebhookNetworks []netip.Prefix // networks that webhooks may reach although they are not public
	LogLevel        string         // debug, info, warn or error
	ReadyFile       string         // file that gets the ready line; "" = none
	ReadyFD         int            // file descriptor that gets the ready line; 0 = none
}

// TURN is the settings of the relay. Without an address there is none.
type TURN struct {
	Listen    string // UDP and TCP, host:port
	ListenTLS string // TLS, host:port
	Cert, Key string // PEM files, for TLS
	Host      string // name or address in what clients are told; "" = the host of the address they came to
	Policy    string // never, fallback or always
}

// option is one setting: a flag, an environment variable and a key of the file at once.
type option struct {
	name, value, usage string
	set                func(*Config, string) error
}

func options() []option {
	return []option{
		{"listen", ":8080", "address of the HTTP server, host:port", func(c *Config, v string) error { c.Listen = v; return address(v) }},
		{"media", ":8081", "address of all media (one port, UDP and TCP), host:port", func(c *Config, v string) error { c.Media = v; return address(v) }},
		{"public-ip", "", "address(es) that browsers reach the media port at, separated by commas", setPublicIPs},
		{"turn", "", "address of a relay (TURN over UDP and TCP), such as :3478; empty means none", func(c *Config, v string) error { c.TURN.Listen = v; return optional(v, address) }},
		{"turn-tls", "", "address of a relay (TURN over TLS), such as :5349; empty means none", func(c *Config, v string) error { c.TURN.ListenTLS = v; return optional(v, address) }},
		{"turn-cert", "", "PEM file of the certificate for --turn-tls", func(c *Config, v string) error { c.TURN.Cert = v; return nil }},
		{"turn-key", "", "PEM file of the key for --turn-tls", func(c *Config, v string) error { c.TURN.Key = v; return nil }},
		{"turn-host", "", "name or address that clients reach the relay at; empty means the one they use for Carillon", setTURNHost},
		{"turn-policy", "fallback", "who uses the relay: never, fallback (who asks, or did not get through) or always", func(c *Config, v string) error {
			c.TURN.Policy = v
			return oneOf(v, "never", "fallback", "always")
		}},
		{"public-url", "", "address that people open, such as https://meet.example.org", setPublicURL},
		{"data", "./data", "directory for everything that lasts", func(c *Config, v string) error { c.Data = v; return notEmpty(v) }},
		{"database", "", "data source name; empty means SQLite in the data directory", func(c *Config, v string) error { c.Database = v; return nil }},
		{"smtp-url", "", "mail server, smtp://user:password@host:587?from=meetings@example.org", setSMTP},
		{"sign-up", "open", "who may create an account: open, invite or closed", func(c *Config, v string) error {
			c.SignUp = v
			return oneOf(v, "open", "invite", "closed")
		}},
		{"webhook-networks", "", "private networks that webhooks may be sent to, such as 10.0.0.0/8, separated by commas", setWebhookNetworks},
		{"log", "info", "log level: debug, info, warn or error", func(c *Config, v string) error {
			c.LogLevel = v
			return oneOf(v, "debug", "info", "warn", "error")
		}},
		{"ready-file", "", "file to write one line of JSON with the chosen addresses to", func(c *Config, v string) error { c.ReadyFile = v; return nil }},
		{"ready-fd", "0", "file descriptor to write the same line to", setReadyFD},
	}
}

// AddFlags registers every setting, and --config, with flags.
func AddFlags(flags *pflag.FlagSet) {
	flags.String("config", "", "YAML file with any of these settings")
	for _, o := range options() {
		flags.String(o.name, o.value, fmt.Sprintf("%s (%s)", o.usage, envName(o.name)))
	}
}

// Load reads the settings after flags have been parsed. Unknown keys of the file, unknown CARILLON_
// variables and values that make no sense are errors that name the setting.
func Load(flags *pflag.FlagSet, environ []string) (*Config, error) {
	env, err := fromEnvironment(environ)
	if err != nil {
		return nil, err
	}
	path, _ := flags.GetString("config")
	if path == "" {
		path = env["config"]
	}
	file, err := fromFile(path)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	for _, o := range options() {
		value, source := o.value, "default"
		if v, ok := file[o.name]; ok {
			value, source = v, path
		}
		if v, ok := env[o.name]; ok {
			value, source = v, envName(o.name)
		}
		if flags.Changed(o.name) {
			value, _ = flags.GetString(o.name)
			source = "--" + o.name
		}
		if err := o.set(c, value); err != nil {
			return nil, errs.Field(o.name, "%s: %v", source, err)
		}
	}
	return c, c.TURN.check()
}

// check looks at settings that need each other.
func (t TURN) check() error {
	if (t.ListenTLS == "") != (t.Cert == "") || (t.Cert == "") != (t.Key == "") {
		return errs.Field("turn-tls", "--turn-tls, --turn-cert and --turn-key need each other")
	}
	if t.Policy == "always" && t.Listen == "" && t.ListenTLS == "" {
		return errs.Field("turn-policy", "--turn-policy always needs --turn or --turn-tls")
	}
	return nil
}

func envName(option string) string {
	return "CARILLON_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

func fromEnvironment(environ []string) (map[string]string, error) {
	known := map[string]string{envName("config"): "config"}
	for _, o := range options() {
		known[envName(o.name)] = o.name
	}
	values := make(map[string]string)
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "CARILLON_") || fromKubernetes(name) {
			continue
		}
		option, ok := known[name]
		if !ok {
			return nil, errs.Field(name, "%s: there is no such setting", name)
		}
		values[option] = value
	}
	return values, nil
}

// fromKubernetes reports whether a variable is one of those that Kubernetes sets in every container for a
// service that is named carillon.
func fromKubernetes(name string) bool {
	return strings.HasPrefix(name, "CARILLON_SERVICE_") || strings.HasPrefix(name, "CARILLON_PORT")
}

func fromFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errs.Field("config", "cannot read the configuration file: %v", err)
	}
	return parseFile(path, text)
}

func parseFile(path string, text []byte) (map[string]string, error) {
	var raw map[string]any
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&raw); err != nil && !errors.Is(err, io.EOF) {
		return nil, errs.Field("config", "%s: %v", path, err)
	}
	known := make(map[string]bool)
	for _, o := range options() {
		known[o.name] = true
	}
	values := make(map[string]string)
	for key, value := range raw {
		if !known[key] {
			return nil, errs.Field(key, "%s: there is no setting %q", path, key)
		}
		switch v := value.(type) {
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = fmt.Sprint(v[i])
			}
			values[key] = strings.Join(parts, ",")
		case map[string]any:
			return nil, errs.Field(key, "%s: %s must be one value", path, key)
		case nil:
			values[key] = ""
		default:
			values[key] = fmt.Sprint(v)
		}
	}
	return values, nil
}
