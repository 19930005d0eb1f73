package httpserver

import (
	"net/http"
	"net/netip"

	"carillon/internal/accounts"
	"carillon/internal/api/rest"
	"carillon/internal/errs"
)

// auth serves the endpoints below /auth: JSON in, JSON out, the session in a cookie.
type auth struct {
	Config
	secure bool // the cookie travels over TLS only
}

// endpoint answers a request or returns why it does not.
type endpoint func(w http.ResponseWriter, r *http.Request) error

func (a *auth) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/sign-up", a.only(http.MethodPost, a.signUp))
	mux.Handle("/auth/confirm", a.only(http.MethodPost, a.confirm))
	mux.Handle("/auth/resend", a.only(http.MethodPost, a.resend))
	mux.Handle("/auth/sign-in", a.only(http.MethodPost, a.signIn))
	mux.Handle("/auth/sign-out", a.only(http.MethodPost, a.signOut))
	mux.Handle("/auth/change-password", a.only(http.MethodPost, a.changePassword))
	mux.Handle("/auth/config", a.only(http.MethodGet, a.config))
	mux.HandleFunc("/", notFound)
	return mux
}

func (a *auth) only(method string, answer endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			writeError(w, errMethod())
			return
		}
		if err := answer(w, r); err != nil {
			if errs.CodeOf(err) == errs.Internal && r.Context().Err() == nil {
				a.Logger.Error("request failed", "path", r.URL.Path, "err", err)
			}
			writeError(w, err)
		}
	})
}

// account is an account as its owner sees it.
type account struct {
	ID        string   `json:"id"`
	Email     string   `json:"email"`
	Name      string   `json:"name"`
	Groups    []string `json:"groups"`
	Confirmed bool     `json:"confirmed"`
}

func accountOf(a accounts.Account) account {
	groups := a.Groups
	if groups == nil {
		groups = []string{} // null would be a second way to say "none"
	}
	return account{ID: a.ID, Email: a.Email, Name: a.Name, Groups: groups, Confirmed: a.Confirmed}
}

type accountBody struct {
	Account account `json:"account"`
}

func (a *auth) signUp(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		Name     string `json:"name"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	made, err := a.Accounts.SignUp(r.Context(), accounts.SignUp{
		Email: in.Email, Password: in.Password, Name: in.Name, RemoteAddr: clientAddr(r),
	})
	if err != nil {
		return err
	}
	if made.Confirmed {
		if _, err := a.openSession(w, r, in.Email, in.Password); err != nil {
			return err
		}
	}
	rest.Write(w, http.StatusCreated, struct {
		accountBody
		ConfirmationRequired bool `json:"confirmationRequired"`
	}{accountBody{accountOf(made)}, !made.Confirmed})
	return nil
}

func (a *auth) confirm(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email string `json:"email"`
		Code  string `json:"code"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Accounts.ConfirmEmail(r.Context(), in.Email, in.Code))
}

func (a *auth) resend(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email string `json:"email"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Accounts.ResendConfirmation(r.Context(), in.Email))
}

func (a *auth) signIn(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	session, err := a.openSession(w, r, in.Email, in.Password)
	if err != nil {
		return err
	}
	rest.Write(w, http.StatusOK, accountBody{accountOf(session.Account)})
	return nil
}

// openSession signs in. The session that the browser had before ends: its token would stay good although
// nobody has it any more.
func (a *auth) openSession(w http.ResponseWriter, r *http.Request, email, password string) (accounts.Session, error) {
	session, err := a.Accounts.SignIn(r.Context(), accounts.SignIn{
		Email: email, Password: password, RemoteAddr: clientAddr(r), UserAgent: r.UserAgent(),
	})
	if err != nil {
		return accounts.Session{}, err
	}
	if old := SessionToken(r); old != "" {
		if err := a.Accounts.SignOut(r.Context(), old); err != nil {
			a.Logger.Warn("an earlier session was not ended", "err", err)
		}
	}
	a.setSession(w, session.Token)
	return session, nil
}

func (a *auth) signOut(w http.ResponseWriter, r *http.Request) error {
	if token := SessionToken(r); token != "" {
		if err := a.Accounts.SignOut(r.Context(), token); err != nil {
			return err
		}
	}
	a.setSession(w, "")
	return done(w, nil)
}

func (a *auth) changePassword(w http.ResponseWriter, r *http.Request) error {
	token := SessionToken(r)
	if token == "" {
		return errs.New(errs.Unauthenticated, "Sign in first.")
	}
	session, err := a.Accounts.Authenticate(r.Context(), token)
	if err != nil {
		return err
	}
	var in struct {
		OldPassword string `json:"oldPassword"`
		NewPassword string `json:"newPassword"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Accounts.ChangePassword(r.Context(), session, in.OldPassword, in.NewPassword))
}

func (a *auth) config(w http.ResponseWriter, _ *http.Request) error {
	rest.Write(w, http.StatusOK, struct {
		SignUp            accounts.Policy `json:"signUp"`
		EmailConfirmation bool            `json:"emailConfirmation"`
	}{a.SignUp, a.EmailConfirmation})
	return nil
}

func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// clientAddr is the address of the connection. Headers that name another one are not read: any client can
// send them.
func clientAddr(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}
