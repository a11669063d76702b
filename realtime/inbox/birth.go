package inbox

import (
	"context"

	"doran/internal/failpoint"
)

// bear makes inboxes that do not exist in this epoch: with the versions that each of the user's chats has in the database, those that
// they left included, or an event from before the birth could be appended after it. Who was told of a gap reads from the database what was
// committed until then; what is newer is appended, and so is what stands in the outbox still: a new user, whose inbox is born by the first
// event for it, is told of that event.
func (in *Inbox) bear(ctx context.Context, epoch int64, users []int64) error {
	calls := make([]*call, 0, len(users))
	for _, u := range users {
		versions, err := in.Service.Versions(ctx, u)
		if err != nil {
			return err
		}
		failpoint.Here(failpoint.BeforeBirth)
		if failpoint.Defective(failpoint.BirthFromNothing) {
			versions = nil
		}
		args := []any{epoch, random(4), inboxTTL.Milliseconds()}
		for c, v := range versions {
			args = append(args, c, v)
		}
		calls = append(calls, &call{script: "bear", keys: inboxKeys(u), args: args})
	}
	if err := in.redis.runCurrent(ctx, epoch, calls); err != nil {
		return err
	}
	for _, c := range calls {
		if c.reply == "born" {
			in.metrics.births.Inc()
		}
	}
	return nil
}
