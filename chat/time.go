package chat

import "time"

// Time goes on the wire as RFC 3339 in UTC with milliseconds, which is also what the database keeps.
type Time struct{ time.Time }

const wireTime = "2006-01-02T15:04:05.000Z"

// At makes a Time of t, cut to milliseconds.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// MarshalJSON writes "2006-01-02T15:04:05.000Z".
func (t Time) MarshalJSON() ([]byte, error) { return []byte(t.UTC().Format(`"` + wireTime + `"`)), nil }

// UnmarshalJSON reads RFC 3339.
func (t *Time) UnmarshalJSON(b []byte) error {
	p, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	*t = At(p)
	return err
}

func atOrNil(t *time.Time) *Time {
	if t == nil {
		return nil
	}
	w := At(*t)
	return &w
}
