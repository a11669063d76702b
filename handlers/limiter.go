package handlers

import (
	"context"
	"net/netip"
	"time"

	"doran/chat"

	"github.com/go-redis/redis_rate/v10"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/text/secure/precis"
	"golang.org/x/time/rate"
)

// limiter counts requests by key. Its memory is bounded: the keys that asked last are kept, some 300 bytes each. Whoever
// floods it with addresses to make it forget theirs must have that many.
type limiter struct {
	limits  Limits
	buckets *lru.Cache[string, *rate.Limiter]
	known   *lru.Cache[string, struct{}] // names and the networks from which they have logged in
}

const (
	maxBuckets = 100_000
	maxKnown   = 100_000

	// A Redis that is slow or gone costs a login this much, and no more.
	sharedTimeout = 200 * time.Millisecond
)

func newLimiter(limits Limits) *limiter {
	l := &limiter{limits: limits}
	l.buckets, _ = lru.New[string, *rate.Limiter](maxBuckets) // it fails only for a size of 0 or less
	l.known, _ = lru.New[string, struct{}](maxKnown)
	return l
}

// take refuses the request when the key has used up its rate.
func (l *limiter) take(key string, r Rate) error {
	if r.Count <= 0 {
		return nil
	}
	bucket, ok := l.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(rate.Every(r.Per/time.Duration(r.Count)), r.Count)
		if earlier, found, _ := l.buckets.PeekOrAdd(key, bucket); found {
			bucket = earlier
		}
	}
	now := time.Now()
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return limited(wait)
}

func limited(wait time.Duration) error {
	return tooMany{refuse(chat.CodeRateLimited, "These are too many requests of this kind. Wait %d seconds.", seconds(wait)), wait}
}

// takeShared is take for all nodes together. While Redis does not answer, this node's own count stands alone.
func (l *limiter) takeShared(ctx context.Context, key string, r Rate) error {
	if err := l.take(key, r); err != nil || l.limits.Redis == nil || r.Count <= 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sharedTimeout)
	defer cancel()
	result, err := redis_rate.NewLimiter(l.limits.Redis()).Allow(ctx, key, redis_rate.Limit{Rate: r.Count, Burst: r.Count, Period: r.Per})
	if err != nil || result.Allowed > 0 {
		return nil
	}
	return limited(result.RetryAfter)
}

func (l *limiter) perUser(userID int64) error { return l.user("user", l.limits.User, userID) }

func (l *limiter) perAddress(address netip.Addr) error {
	return l.take("address:"+network(address), l.limits.Address)
}

// loginTo counts the attempts on one name, whoever makes them. A name that has logged in from this network before is counted
// apart there, so that nobody can keep its owner out by guessing from elsewhere.
func (l *limiter) loginTo(ctx context.Context, username string, from netip.Addr) error {
	name, ok := canonical(username)
	if !ok {
		return nil // nobody has such a name, and the address is counted
	}
	key := "login:name:" + name
	if l.known.Contains(name + " " + network(from)) {
		key += ":" + network(from)
	}
	return l.takeShared(ctx, key, l.limits.LoginName)
}

// loggedIn remembers from where the owner of a name comes.
func (l *limiter) loggedIn(username string, from netip.Addr) {
	if name, ok := canonical(username); ok {
		l.known.Add(name+" "+network(from), struct{}{})
	}
}

// canonical is the form in which all spellings of a name are one, if it can be a name. The bound is on what is kept of
// those that cannot.
func canonical(username string) (string, bool) {
	const longest = 4 * 32 // bytes of 32 characters
	if len(username) > longest {
		return "", false
	}
	name, err := precis.UsernameCaseMapped.String(username)
	return name, err == nil
}

// network is what one customer of an access provider has: an IPv4 address, or the /64 of an IPv6 one.
func network(address netip.Addr) string {
	if address.Is4() {
		return address.String()
	}
	prefix, _ := address.Prefix(64)
	return prefix.String()
}
