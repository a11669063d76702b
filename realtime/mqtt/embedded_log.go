package mqtt

import (
	"context"
	"log/slog"
)

// discreet passes mochi's log on without the packets that it puts there: they hold user names, passwords and what people say. What
// strangers can cause at will (refused connections, broken packets) is for debugging only.
type discreet struct{ inner slog.Handler }

func (d discreet) Enabled(ctx context.Context, level slog.Level) bool {
	return d.inner.Enabled(ctx, lowered(level))
}

func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	kept := slog.NewRecord(r.Time, lowered(r.Level), "mqtt: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if mayBeLogged(a) {
			kept.AddAttrs(a)
		}
		return true
	})
	return d.inner.Handle(ctx, kept)
}

func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	var kept []slog.Attr
	for _, a := range attrs {
		if mayBeLogged(a) {
			kept = append(kept, a)
		}
	}
	return discreet{d.inner.WithAttrs(kept)}
}

func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.inner.WithGroup(name)} }

// mayBeLogged names what may, as the next version of mochi may put its packets under another word.
func mayBeLogged(a slog.Attr) bool {
	switch a.Key {
	case "error", "client", "remote", "old_remote", "new_remote", "listener", "version", "hook":
		return true
	}
	return false
}

func lowered(level slog.Level) slog.Level {
	if level < slog.LevelError {
		return slog.LevelDebug
	}
	return level
}
