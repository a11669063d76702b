package realtime

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// watchTokens finds the tokens that ended without this node hearing of it: the bus may lose that, and some just expire.
func (s *Server) watchTokens(ctx context.Context) {
	for sleep(ctx, s.Timing.Tokens-rand.N(s.Timing.Tokens/10)) {
		s.hub.forgetEnded(time.Now().Add(-time.Minute))
		for tokens := range slices.Chunk(s.hub.tokens.ids(), 500) {
			s.endDead(ctx, tokens)
		}
	}
}

// endDead cuts the connections of the tokens that have ended. While the database is down nobody is cut: that would be
// everybody.
func (s *Server) endDead(ctx context.Context, tokens []int64) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	live, err := s.service.LiveTokens(ctx, tokens)
	if err != nil {
		s.Log.Warn("realtime: cannot ask which tokens have ended; connections stay", "error", err)
		return
	}
	s.hub.endTokens(slices.DeleteFunc(tokens, func(token int64) bool { return slices.Contains(live, token) }))
}
