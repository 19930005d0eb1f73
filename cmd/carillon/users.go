package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"carillon/internal/accounts"
	"carillon/internal/authz"
)

func users(ctx context.Context, w stdio, args []string) error {
	return runOne(ctx, w, "users", []command{
		{"create", "make an account", createUser},
		{"list", "show all accounts", listUsers},
		{"reset-password", "set the password of an account, which ends its sessions", resetPassword},
		{"disable", "keep somebody out, which ends the sessions", func(ctx context.Context, w stdio, args []string) error {
			return setDisabled(ctx, w, "disable", true, args)
		}},
		{"enable", "undo disable", func(ctx context.Context, w stdio, args []string) error {
			return setDisabled(ctx, w, "enable", false, args)
		}},
	}, args)
}

func createUser(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("users create", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	email := flags.String("email", "", "e-mail address")
	name := flags.String("name", "", "name shown to others; the first part of the address by default")
	fromStdin := flags.Bool("password-stdin", false, "read the password from the first line of standard input")
	admin := flags.Bool("admin", false, "make the account a member of "+authz.Operators+", who may change and delete every meeting")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := parse(flags, w, args); err != nil {
		return err
	}
	password, err := readPassword(w, *fromStdin)
	if err != nil {
		return err
	}
	account := accounts.NewAccount{Email: *email, Password: password, Name: *name}
	if *admin {
		account.Groups = []string{authz.Operators}
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		created, err := a.Create(ctx, account)
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(w.out).Encode(map[string]any{"id": created.ID, "email": created.Email, "name": created.Name, "groups": created.Groups})
		}
		fmt.Fprintf(w.out, "The account %s is created.\n", created.Email)
		return nil
	})
}

func listUsers(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("users list", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	if err := parse(flags, w, args); err != nil {
		return err
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		list, err := a.List(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "E-MAIL\tNAME\tGROUPS\tSTATE\tCREATED")
		for _, u := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", u.Email, u.Name, strings.Join(u.Groups, ","), state(u), day(&u.CreatedAt))
		}
		return t.Flush()
	})
}

func state(u accounts.Account) string {
	switch {
	case u.Disabled:
		return "disabled"
	case !u.Confirmed:
		return "unconfirmed"
	}
	return "active"
}

func resetPassword(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("users reset-password", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	email := flags.String("email", "", "e-mail address")
	fromStdin := flags.Bool("password-stdin", false, "read the new password from the first line of standard input")
	if err := parse(flags, w, args); err != nil {
		return err
	}
	password, err := readPassword(w, *fromStdin)
	if err != nil {
		return err
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		if err := a.ResetPassword(ctx, *email, password); err != nil {
			return err
		}
		fmt.Fprintf(w.out, "The password of %s is changed; all its sessions are ended.\n", *email)
		return nil
	})
}

func setDisabled(ctx context.Context, w stdio, command string, disabled bool, args []string) error {
	flags := pflag.NewFlagSet("users "+command, pflag.ContinueOnError)
	data, database := dataFlags(flags)
	email := flags.String("email", "", "e-mail address")
	if err := parse(flags, w, args); err != nil {
		return err
	}
	return administer(ctx, w, *data, *database, func(a *accounts.Service) error {
		if err := a.SetDisabled(ctx, *email, disabled); err != nil {
			return err
		}
		fmt.Fprintf(w.out, "The account %s is %sd.\n", *email, command)
		return nil
	})
}

// readPassword takes the password from standard input: on the command line every user of the machine
// could read it.
func readPassword(w stdio, fromStdin bool) (string, error) {
	if !fromStdin {
		return "", misuse("give the password on standard input, with --password-stdin")
	}
	line, err := bufio.NewReader(w.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
