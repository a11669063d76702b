package chat

import (
	"context"
	"errors"

	"doran/ent"
	"doran/ent/epoch"

	"entgo.io/ent/dialect"
)

// Epoch is the number and the Redis of the epoch that stands; 0 and "" before the first.
func (s *Service) Epoch(ctx context.Context) (int64, string, error) {
	row, err := s.Client.Epoch.Query().First(ctx)
	if ent.IsNotFound(err) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", s.dbErr(err)
	}
	return row.Number, row.Redis, nil
}

// BeginEpoch makes after+1 the epoch, on this Redis, if after is the one that stands, and says whether it did.
func (s *Service) BeginEpoch(ctx context.Context, after int64, redis string) (bool, error) {
	began := false
	err := s.tx(ctx, func(tx *ent.Tx) error {
		began = false
		if after == 0 {
			_, err := tx.Epoch.Create().SetID(1).SetNumber(1).SetRedis(redis).Save(ctx)
			if ent.IsConstraintError(err) { // another node was faster
				return nil
			}
			began = err == nil
			return err
		}
		n, err := tx.Epoch.Update().Where(epoch.Number(after)).SetNumber(after + 1).SetRedis(redis).Save(ctx)
		began = n == 1
		return err
	})
	return began && err == nil, err
}

// lockEpoch says whether this epoch stands, and keeps it from being followed until the commit. Others may do so at once.
func (s *Service) lockEpoch(ctx context.Context, tx *ent.Tx, number int64) (stands bool, err error) {
	query := "SELECT COUNT(*) FROM epoch WHERE number = ?"
	if s.Dialect == dialect.MySQL {
		query += " LOCK IN SHARE MODE" // MariaDB knows no FOR SHARE
	}
	rows, err := tx.QueryContext(ctx, query, number)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		err = rows.Scan(&stands)
	}
	return stands, errors.Join(err, rows.Err())
}
