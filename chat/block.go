package chat

import (
	"context"

	"doran/ent"
	"doran/ent/block"
)

// Blocks are the users that this one blocked, by the order in which they were.
func (s *Service) Blocks(ctx context.Context, userID int64) ([]User, error) {
	rows, err := s.Client.Block.Query().Where(block.UserID(userID)).Order(block.ByID()).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.TargetID
	}
	return s.usersInOrder(ctx, ids)
}

// Block says whether the block is new; it also ends the blocker's friendship. Errors as AddFriend.
func (s *Service) Block(ctx context.Context, userID, targetID int64) (User, bool, error) {
	if userID == targetID {
		return User{}, false, Invalid("target_id", "invalid", "One cannot block oneself.")
	}
	var target *ent.User
	var added bool
	err := s.tx(ctx, func(tx *ent.Tx) (err error) {
		if target, err = s.lockPair(ctx, tx, userID, targetID); err != nil {
			return err
		}
		if added, err = s.insertBlock(ctx, tx, userID, targetID); err != nil {
			return err
		}
		return deleteFriend(ctx, tx, userID, targetID)
	})
	if err != nil {
		return User{}, false, err
	}
	return userOf(target), added, nil
}

func (s *Service) insertBlock(ctx context.Context, tx *ent.Tx, userID, targetID int64) (added bool, err error) {
	there, err := hasBlocked(ctx, tx.Block, userID, targetID)
	if err != nil || there {
		return false, err
	}
	n, err := tx.Block.Query().Where(block.UserID(userID)).Count(ctx)
	if err != nil {
		return false, err
	}
	if n >= s.Limits.Blocks {
		return false, refuse(CodeLimitReached, "You block %d users, which is as many as one can block. Unblock one first.", n)
	}
	return true, tx.Block.Create().SetUserID(userID).SetTargetID(targetID).SetCreatedAt(At(s.Now()).Time).Exec(ctx)
}

// Unblock succeeds also when there was no block.
func (s *Service) Unblock(ctx context.Context, userID, targetID int64) error {
	return s.tx(ctx, func(tx *ent.Tx) error {
		_, err := tx.Block.Delete().Where(block.UserID(userID), block.TargetID(targetID)).Exec(ctx)
		return err
	})
}

// hasBlocked says whether the user blocked the target.
func hasBlocked(ctx context.Context, blocks *ent.BlockClient, userID, targetID int64) (bool, error) {
	return blocks.Query().Where(block.UserID(userID), block.TargetID(targetID)).Exist(ctx)
}

// eitherBlocked says whether one of the two blocked the other.
func eitherBlocked(ctx context.Context, blocks *ent.BlockClient, a, b int64) (bool, error) {
	return blocks.Query().Where(block.UserIDIn(a, b), block.TargetIDIn(a, b)).Exist(ctx)
}
