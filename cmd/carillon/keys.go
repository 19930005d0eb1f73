package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"carillon/internal/accounts"
	"carillon/internal/server"
)

func keys(ctx context.Context, w stdio, args []string) error {
	return runOne(ctx, w, "keys", []command{
		{"create", "make a key, which shows its secret once", createKey},
		{"list", "show all keys without their secrets", listKeys},
		{"limit", "change what a key may do", limitKey},
		{"revoke", "make a key useless", revokeKey},
	}, args)
}

// administer opens the accounts of a data directory for one command.
func administer(ctx context.Context, w stdio, data, database string, f func(*accounts.Service) error) error {
	if data == "" {
		return misuse("--data must not be empty")
	}
	a, err := server.OpenAccounts(ctx, data, database)
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a.Accounts)
}

// dataFlags registers where the data is.
func dataFlags(flags *pflag.FlagSet) (data, database *string) {
	return flags.String("data", "./data", "directory of everything that lasts"),
		flags.String("database", "", "data source name; empty means SQLite in the data directory")
}

func createKey(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("keys create", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	name := flags.String("name", "", "what the key is for")
	limits := limitFlags(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	if err := parse(flags, w, args); err != nil {
		return err
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		if err := limits.Check(); err != nil {
			return err
		}
		key, err := a.CreateKey(ctx, *name)
		if err == nil && *limits != (accounts.KeyLimits{}) {
			_, err = a.LimitKey(ctx, key.ID, func(l *accounts.KeyLimits) { *l = *limits })
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(w.out).Encode(map[string]string{
				"accessKeyId": key.ID, "secretAccessKey": key.Secret, "name": key.Name,
			})
		}
		fmt.Fprintf(w.out, "Access key id:     %s\nSecret access key: %s\n\nThe secret is shown only now.\n", key.ID, key.Secret)
		return nil
	})
}

// limitFlags registers what a key may do.
func limitFlags(flags *pflag.FlagSet) *accounts.KeyLimits {
	limits := &accounts.KeyLimits{}
	flags.IntVar(&limits.Rate, "rate", 0, "requests per second for each operation, twice as many at once; 0 means any number")
	flags.IntVar(&limits.MaxConferences, "max-meetings", 0, "meetings of the API that may be open at a time; 0 means any number")
	return limits
}

func limitKey(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("keys limit", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	given := limitFlags(flags)
	if err := parse(flags, w, args, "ACCESS-KEY-ID"); err != nil {
		return err
	}
	rate, meetings := flags.Changed("rate"), flags.Changed("max-meetings")
	if !rate && !meetings {
		return misuse("say what to change: --rate or --max-meetings")
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		limits, err := a.LimitKey(ctx, flags.Arg(0), func(l *accounts.KeyLimits) {
			if rate {
				l.Rate = given.Rate
			}
			if meetings {
				l.MaxConferences = given.MaxConferences
			}
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(w.out, "The key %s may do %s requests per second and have %s meetings.\n", flags.Arg(0), number(limits.Rate), number(limits.MaxConferences))
		return nil
	})
}

func number(limit int) string {
	if limit == 0 {
		return "any number of"
	}
	return fmt.Sprint(limit)
}

func listKeys(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("keys list", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	if err := parse(flags, w, args); err != nil {
		return err
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		list, err := a.ListKeys(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ACCESS KEY ID\tNAME\tCREATED\tLAST USED\tREVOKED\tRATE\tMEETINGS")
		for _, k := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, day(&k.CreatedAt), day(k.LastUsedAt), day(k.RevokedAt),
				limit(k.Limits.Rate), limit(k.Limits.MaxConferences))
		}
		return t.Flush()
	})
}

func limit(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func day(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func revokeKey(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("keys revoke", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	if err := parse(flags, w, args, "ACCESS-KEY-ID"); err != nil {
		return err
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		if err := a.RevokeKey(ctx, flags.Arg(0)); err != nil {
			return err
		}
		fmt.Fprintf(w.out, "The key %s is revoked.\n", flags.Arg(0))
		return nil
	})
}
