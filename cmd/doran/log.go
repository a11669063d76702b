package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"doran/config"

	"github.com/mattn/go-isatty"
	"github.com/redis/go-redis/v9"
)

// newLog writes text for people and JSON for machines, and becomes the log of everybody who was given none.
func newLog(c config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	var handler slog.Handler = slog.NewJSONHandler(w, options)
	if c.LogFormat == config.LogText || c.LogFormat == config.LogAuto && terminal(w) {
		handler = slog.NewTextHandler(w, options)
	}
	log := slog.New(handler)
	slog.SetDefault(log)
	redis.SetLogger(redisLog{log})
	return log
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// redisLog takes what the Redis client says of its connections. Its callers report what matters once more, in their own words.
type redisLog struct{ log *slog.Logger }

// Printf implements the client's logger.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, fmt.Sprintf(format, args...), "part", "redis client")
	}
}
