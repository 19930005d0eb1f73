package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/server"
	"carillon/internal/webhooks"
)

func webhookCommands(ctx context.Context, w stdio, args []string) error {
	return runOne(ctx, w, "webhooks", []command{
		{"create", "tell an address of events; shows the secret of the signatures once", createWebhook},
		{"list", "show all webhooks", listWebhooks},
		{"rotate", "give a webhook a new secret; the old one is good for another day", rotateWebhook},
		{"delete", "remove a webhook with its deliveries", deleteWebhook},
		{"test", "send a test event and say how that went", testWebhook},
		{"deliveries", "show what was sent, or waits, newest first", listDeliveries},
		{"replay", "send deliveries again", replayDeliveries},
	}, args)
}

// system is who acts on the command line.
func system() authz.Actor { return authz.Actor{System: true} }

// webhookCommand is what the commands have in common: flags, and the data to work on.
type webhookCommand struct {
	*pflag.FlagSet
	data, database *string
	asJSON         *bool
	w              stdio
}

func newWebhookCommand(w stdio, name string) webhookCommand {
	flags := pflag.NewFlagSet("webhooks "+name, pflag.ContinueOnError)
	c := webhookCommand{FlagSet: flags, w: w}
	c.data, c.database = dataFlags(flags)
	c.asJSON = flags.Bool("json", false, "print JSON")
	return c
}

// run parses the arguments and calls f with the webhooks of the data directory.
func (c webhookCommand) run(ctx context.Context, args, arguments []string, f func(*webhooks.Service) error) error {
	if err := parse(c.FlagSet, c.w, args, arguments...); err != nil {
		return err
	}
	if *c.data == "" {
		return misuse("--data must not be empty")
	}
	a, err := server.OpenWebhooks(ctx, *c.data, *c.database)
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a.Webhooks)
}

// webhookID names the argument of the commands that act on one webhook.
func webhookID() []string { return []string{"WEBHOOK-ID"} }

func (c webhookCommand) printJSON(v any) error { return json.NewEncoder(c.w.out).Encode(v) }

func createWebhook(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "create")
	in := webhooks.NewWebhook{}
	c.StringVar(&in.URL, "url", "", "where the events are sent, such as https://example.org/meetings")
	c.StringVar(&in.KeyID, "key", "", "access key id whose conferences it hears of; empty means all meetings of the server")
	c.StringVar(&in.Name, "name", "", "what the webhook is for")
	c.StringSliceVar(&in.EventTypes, "events", nil, "event types, such as chime:MeetingEnded, separated by commas; empty means all")
	return c.run(ctx, args, nil, func(s *webhooks.Service) error {
		hook, err := s.Create(ctx, system(), in)
		if err != nil {
			return err
		}
		return c.printSecret(hook)
	})
}

func rotateWebhook(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "rotate")
	return c.run(ctx, args, webhookID(), func(s *webhooks.Service) error {
		hook, err := s.Rotate(ctx, system(), c.Arg(0))
		if err != nil {
			return err
		}
		return c.printSecret(hook)
	})
}

func (c webhookCommand) printSecret(hook webhooks.Webhook) error {
	if *c.asJSON {
		return c.printJSON(hook)
	}
	fmt.Fprintf(c.w.out, "Webhook id: %s\nSecret:     %s\n\nThe secret is shown only now.\n", hook.ID, hook.Secret)
	return nil
}

func listWebhooks(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "list")
	return c.run(ctx, args, nil, func(s *webhooks.Service) error {
		list, err := s.List(ctx, system())
		if err != nil {
			return err
		}
		if *c.asJSON {
			return c.printJSON(list)
		}
		t := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tNAME\tMEETINGS OF\tURL\tEVENTS\tCREATED")
		for _, hook := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", hook.ID, orDash(hook.Name), orElse(hook.KeyID, "all"), hook.URL,
				orElse(strings.Join(hook.EventTypes, ","), "all"), day(&hook.CreatedAt))
		}
		return t.Flush()
	})
}

func orDash(s string) string { return orElse(s, "-") }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func deleteWebhook(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "delete")
	return c.run(ctx, args, webhookID(), func(s *webhooks.Service) error {
		if err := s.Delete(ctx, system(), c.Arg(0)); err != nil {
			return err
		}
		fmt.Fprintf(w.out, "The webhook %s is deleted.\n", c.Arg(0))
		return nil
	})
}

func testWebhook(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "test")
	wait := c.Duration("wait", 15*time.Second, "how long to wait for the running server to send it")
	return c.run(ctx, args, webhookID(), func(s *webhooks.Service) error {
		d, err := s.Test(ctx, system(), c.Arg(0))
		if err != nil {
			return err
		}
		d, err = awaitAttempt(ctx, s, d, *wait)
		if err != nil {
			return err
		}
		if *c.asJSON {
			if err := c.printJSON(d); err != nil {
				return err
			}
		}
		switch {
		case d.State == webhooks.Delivered:
			if !*c.asJSON {
				fmt.Fprintf(w.out, "Delivered: the receiver answered with status %d.\n", d.Status)
			}
			return nil
		case d.Attempts > 0:
			return errs.New(errs.Unavailable, "the test was not taken: %s; it is tried again until it is", d.Error)
		default:
			return errs.New(errs.Unavailable, "the test was not sent within %v; does the server run? It is sent when it does", *wait)
		}
	})
}

// awaitAttempt waits until a running server has tried to send the delivery.
func awaitAttempt(ctx context.Context, s *webhooks.Service, d webhooks.Delivery, wait time.Duration) (webhooks.Delivery, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		list, err := s.Deliveries(ctx, system(), d.WebhookID, webhooks.Query{DeliveryID: d.ID})
		if err != nil {
			return d, err
		}
		if len(list) == 1 && list[0].Attempts > 0 {
			return list[0], nil
		}
		select {
		case <-ctx.Done():
			return d, ctx.Err()
		case <-deadline.C:
			return d, nil
		case <-look.C:
		}
	}
}

// selection registers the flags that select deliveries.
func (c webhookCommand) selection() func() (webhooks.Query, error) {
	id := c.String("delivery", "", "only the delivery with this id")
	state := c.String("state", "", "only those that are waiting, due, delivered or dead")
	since := c.String("since", "", "only those since this time, such as 2026-01-31T12:00:00Z, or for so long, such as 2h")
	return func() (webhooks.Query, error) {
		q := webhooks.Query{DeliveryID: *id, State: webhooks.State(*state)}
		if *since == "" {
			return q, nil
		}
		if ago, err := time.ParseDuration(*since); err == nil {
			q.Since = time.Now().Add(-ago)
			return q, nil
		}
		at, err := time.Parse(time.RFC3339, *since)
		if err != nil {
			return q, misuse("--since: %q is neither a time such as 2026-01-31T12:00:00Z nor a duration such as 2h", *since)
		}
		q.Since = at
		return q, nil
	}
}

func listDeliveries(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "deliveries")
	selected := c.selection()
	limit := c.Int("limit", 50, "how many at most")
	return c.run(ctx, args, webhookID(), func(s *webhooks.Service) error {
		q, err := selected()
		if err != nil {
			return err
		}
		q.Limit = *limit
		list, err := s.Deliveries(ctx, system(), c.Arg(0), q)
		if err != nil {
			return err
		}
		if *c.asJSON {
			return c.printJSON(list)
		}
		t := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tEVENT\tCONFERENCE\tSTATE\tATTEMPTS\tSTATUS\tCREATED\tERROR")
		for _, d := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", d.ID, d.EventType, orDash(d.Lane), d.State, d.Attempts, d.Status,
				day(&d.CreatedAt), orDash(d.Error))
		}
		return t.Flush()
	})
}

func replayDeliveries(ctx context.Context, w stdio, args []string) error {
	c := newWebhookCommand(w, "replay")
	selected := c.selection()
	all := c.Bool("all", false, "everything that is kept")
	return c.run(ctx, args, webhookID(), func(s *webhooks.Service) error {
		q, err := selected()
		if err != nil {
			return err
		}
		if q == (webhooks.Query{}) && !*all {
			return misuse("say what to send again: --delivery, --state dead, --since or --all")
		}
		n, err := s.Replay(ctx, system(), c.Arg(0), q)
		if err != nil {
			return err
		}
		if *c.asJSON {
			return c.printJSON(map[string]int{"replayed": n})
		}
		fmt.Fprintf(w.out, "%d events are sent again.\n", n)
		return nil
	})
}
