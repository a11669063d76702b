package chat

import "time"

// What a hash costs in these tests; ProductionCost is what it costs elsewhere.
func init() { passwordCost = argon{memory: 64, time: 1, threads: 1} }

var productionCost = passwordCost

// ProductionCost is in KiB, passes and threads.
func ProductionCost() (memory, time uint32, threads uint8) {
	return productionCost.memory, productionCost.time, productionCost.threads
}

// HashWithCost makes a hash that costs something else.
func HashWithCost(memory, time uint32, password string) string {
	h := passwordHash{argon: argon{memory, time, 1}, salt: []byte("0123456789abcdef")}
	h.key = h.derive(password, keyLength)
	return h.String()
}

// TimeToRefuse is how long a wrong password takes outside of these tests, for a name that is known or not.
func TimeToRefuse(known bool) time.Duration {
	h := decoy()
	h.argon = productionCost
	if known {
		h.key = make([]byte, keyLength)
	}
	begin := time.Now()
	h.matches("correct horse")
	return time.Since(begin)
}

// ParsePasswordHash says whether the hash would be taken.
func ParsePasswordHash(s string) error {
	_, err := parsePasswordHash(s)
	return err
}

// The rules and helpers that the tests look at from outside.
var (
	PreparePassword = preparePassword
	UsernameKey     = usernameKey
	InTx            = (*Service).tx
)

// MaxHashWaiters is how many may wait for their turn to be hashed.
const MaxHashWaiters = maxHashWaiters

// HashWaiters is how many do.
func (s *Service) HashWaiters() int64 { return s.hashing.waiting.Load() }

// WaitUses returns when the uses of tokens that were noted are written down.
func (s *Service) WaitUses() { s.uses.wait() }

// OccupyHashing takes every place in which a password could be hashed, until done is called.
func (s *Service) OccupyHashing() (done func()) {
	for range cap(s.hashing.running) {
		s.hashing.running <- struct{}{}
	}
	return func() {
		for range cap(s.hashing.running) {
			<-s.hashing.running
		}
	}
}
