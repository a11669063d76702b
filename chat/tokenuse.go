package chat

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"doran/ent"
	"doran/ent/token"
)

// useInterval is how often the use of a token is written down at most.
const useInterval = 5 * time.Minute

// tokenUses are uses of tokens that are still to be written down. They are written beside the requests, so that none waits for
// it or fails by it; what gathers meanwhile is written together, by one goroutine, which ends when nothing is left.
type tokenUses struct {
	writers sync.WaitGroup

	mu      sync.Mutex
	ids     map[int64]struct{}
	writing bool
}

func newTokenUses() *tokenUses { return &tokenUses{ids: map[int64]struct{}{}} }

// wait returns when all is written down.
func (u *tokenUses) wait() { u.writers.Wait() }

// noteUse has it written down that the token is used now.
func (s *Service) noteUse(tokenID int64) {
	u := s.uses
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ids[tokenID] = struct{}{}
	if !u.writing {
		u.writing = true
		u.writers.Go(s.writeUses)
	}
}

func (s *Service) writeUses() {
	for {
		ids := s.uses.take()
		if len(ids) == 0 {
			return
		}
		if err := s.extendTokens(ids); err != nil { // the next request of each token tries again
			s.Log.Warn("the use of tokens could not be written down", "tokens", len(ids), "err", err)
		}
	}
}

// take gives what has gathered, and ends the writing when that is nothing.
func (u *tokenUses) take() []int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := slices.Collect(maps.Keys(u.ids))
	clear(u.ids)
	u.writing = len(ids) > 0
	return ids
}

func (s *Service) extendTokens(ids []int64) error {
	now := At(s.Now()).Time
	for chunk := range slices.Chunk(ids, maxIn) {
		err := s.tx(context.Background(), func(tx *ent.Tx) error {
			return tx.Token.Update().Where(token.IDIn(chunk...), token.UsedAtLT(now)).
				SetUsedAt(now).SetExpiresAt(now.Add(s.Limits.TokenLifetime)).Exec(context.Background())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
