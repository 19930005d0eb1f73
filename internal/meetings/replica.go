package meetings

import (
	"context"
	"strings"

	"carillon/internal/authz"
	"carillon/internal/errs"
)

// maxReplicas is how many replicas a conference may have.
const maxReplicas = 4

// checkPrimary refuses what cannot be the primary of a new replica. That is always the request's fault and
// never NotFound, which clients know only about the conference that a request is about.
func checkPrimary(ctx context.Context, r Reader, actor authz.Actor, primaryID string) error {
	if primaryID == "" {
		return nil
	}
	primary, err := findOpen(ctx, r, actor, strings.ToLower(primaryID))
	if errs.CodeOf(err) == errs.NotFound {
		return errs.Field("primaryMeetingId", "The primary meeting does not exist, or has ended.")
	}
	if err != nil {
		return err
	}
	if primary.PrimaryID != "" {
		return errs.Field("primaryMeetingId", "The primary meeting is a replica itself.")
	}
	replicas, err := r.OpenReplicas(ctx, primary.ID)
	if err == nil && len(replicas) >= maxReplicas {
		return errs.New(errs.LimitExceeded, "The primary meeting has %d replicas already, which is all it may have.", len(replicas))
	}
	return err
}

// endReplicas ends the replicas of a conference that has ended.
func (s *Service) endReplicas(ctx context.Context, tx Tx, c Conference) error {
	if c.PrimaryID != "" || c.KeyID == "" {
		return nil
	}
	replicas, err := tx.OpenReplicas(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, replica := range replicas {
		if err := s.end(ctx, tx, replica); err != nil {
			return err
		}
	}
	return nil
}
