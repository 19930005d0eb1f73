package meetings

import (
	"context"
	"time"

	"carillon/internal/errs"
)

// Present takes the report of the media plane that so many people are connected to the conference now. A
// report about a conference that has ended changes nothing. Reports about one conference have to come one
// after the other.
func (s *Service) Present(ctx context.Context, conferenceID string, connected int) error {
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := tx.Conference(ctx, conferenceID)
		if err != nil {
			if errs.CodeOf(err) == errs.NotFound {
				return nil
			}
			return err
		}
		if c.EndedAt != nil || (connected == 0) == (c.EmptySince != nil) {
			return nil
		}
		c.EmptySince = nil
		if connected == 0 {
			now := s.now()
			c.EmptySince = &now
		}
		return tx.UpdateConference(ctx, c)
	})
}

// Recover is for the start of the server: nobody is connected, so every open conference counts as empty
// from now and people have the whole time to come back.
func (s *Service) Recover(ctx context.Context) error {
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		open, err := tx.OpenConferences(ctx)
		if err != nil {
			return err
		}
		now := s.now()
		for _, c := range open {
			c.EmptySince = &now
			if err := tx.UpdateConference(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// Run ends conferences that nobody needs any more, every 15 seconds until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Logger.Error("looking for conferences to end failed", "err", err)
			}
		}
	}
}

// Sweep ends all conferences that are due now and forgets those that ended long ago.
func (s *Service) Sweep(ctx context.Context) error {
	open, err := s.cfg.Store.OpenConferences(ctx)
	if err != nil {
		return err
	}
	for _, c := range open {
		if !s.due(c) {
			continue
		}
		if err := s.endIfDue(ctx, c.ID); err != nil {
			return err
		}
	}
	return s.cfg.Store.PruneConferences(ctx, s.now().Add(-endedRetention))
}

// endIfDue looks again inside the transaction: somebody may just have come in.
func (s *Service) endIfDue(ctx context.Context, id string) error {
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := tx.Conference(ctx, id)
		if err != nil || c.EndedAt != nil || !s.due(c) {
			return err
		}
		s.cfg.Logger.Info("ending a conference", "conference", c.ID, "empty", c.EmptySince != nil)
		return s.end(ctx, tx, c)
	})
}

// due reports whether a conference has to end. A replica waits for viewers as long as its primary lives.
func (s *Service) due(c Conference) bool {
	now := s.now()
	return c.PrimaryID == "" && c.EmptySince != nil && now.Sub(*c.EmptySince) >= s.cfg.EmptyTimeout ||
		now.Sub(c.CreatedAt) >= s.cfg.MaxAge
}
