package chat

import (
	"context"
	"math/rand/v2"
	"time"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/message"
	"doran/ent/token"
)

// The janitor of each node does what nobody waits for. Everything it does can be done by several nodes at once, and again.
const (
	janitorPause = time.Minute
	janitorBatch = 500 // rows in one transaction, so that none holds its locks for long
)

func (s *Service) runJanitor() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.running.Go(func() {
		<-s.closed
		cancel()
	})
	for {
		select {
		case <-s.closed:
			return
		case <-time.After(janitorPause/2 + rand.N(janitorPause)): // nodes that start together do not tidy together
			s.Tidy(ctx)
		}
	}
}

// Tidy ends expired tokens, erases the texts of deleted chats, and takes deleted users out of the groups that they are still in. The
// node does so about once a minute by itself; what fails is logged and tried again the next time.
func (s *Service) Tidy(ctx context.Context) {
	for name, do := range map[string]func(context.Context) error{
		"ending expired tokens": s.endExpiredTokens, "erasing deleted chats": s.eraseChats, "taking deleted users out of groups": s.finishDeletions,
	} {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the janitor failed; it tries again in a minute", "at", name, "err", err)
		}
	}
}

func (s *Service) endExpiredTokens(ctx context.Context) error {
	for {
		var ids []int64
		err := s.tx(ctx, func(tx *ent.Tx) (err error) {
			expired := tx.Token.Query().Where(token.ExpiresAtLTE(At(s.Now()).Time)).Limit(janitorBatch)
			if ids, err = forUpdate(s, expired).IDs(ctx); err != nil || len(ids) == 0 {
				return err
			}
			if _, err = tx.Token.Delete().Where(token.IDIn(ids...)).Exec(ctx); err != nil {
				return err
			}
			return endDevices(ctx, tx, ids...)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		s.announce(News{EndedTokens: ids})
	}
}

// eraseChats makes tombstones of what was said in deleted chats. The rows stay: a client_id stands for its message for ever.
func (s *Service) eraseChats(ctx context.Context) error {
	ids, err := s.Client.Chat.Query().Where(entchat.Erased(false), entchat.DeletedAtNotNil()).Limit(janitorBatch).IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.eraseChat(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) eraseChat(ctx context.Context, chatID int64) error {
	for seq, more := int64(0), true; more && ctx.Err() == nil; seq += janitorBatch {
		err := s.tx(ctx, func(tx *ent.Tx) error {
			n, err := tx.Message.Update().Where(message.ChatID(chatID), message.SeqGT(seq), message.SeqLTE(seq+janitorBatch)).
				SetContent(Tombstone).SetDeleted(true).Save(ctx)
			if more = n > 0; more || err != nil {
				return err
			}
			return tx.Chat.Update().Where(entchat.ID(chatID)).SetErased(true).Exec(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) finishDeletions(ctx context.Context) error {
	ids, err := s.inGroups(ctx)
	for _, id := range ids {
		if err := s.leaveGroups(ctx, id); err != nil {
			return err
		}
	}
	return err
}
