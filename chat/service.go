package chat

import (
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"doran/ent"
)

// Limits bound what one user can make others carry. Characters are code points.
type Limits struct {
	Content       int           // characters of a message: 4,000
	Title         int           // characters: 100
	Friends       int           // 5,000
	Blocks        int           // 1,000
	Members       int           // of a chat: 1,000
	Chats         int           // in which a user is: 5,000
	Tokens        int           // of a user, the oldest ends: 20
	Devices       int           // of a user that are woken up by push: 20
	TokenLifetime time.Duration // after its last use: 90 days
	ReadersShown  int           // members up to which message.read is told to others in a group: 50
}

// DefaultLimits are those of the contract.
func DefaultLimits() Limits {
	return Limits{Content: 4000, Title: 100, Friends: 5000, Blocks: 1000, Members: 1000, Chats: 5000, Tokens: 20, Devices: 20,
		TokenLifetime: 90 * 24 * time.Hour, ReadersShown: 50}
}

// Config is what a Service is made of. DB is the pool under Client, for the statements that Ent has no words for.
type Config struct {
	Client       *ent.Client
	DB           *sql.DB
	Dialect      string // dialect.MySQL or dialect.SQLite
	Outlet       Outlet // may be nil: nobody is told, the outbox is swept
	Limits       Limits
	SignUpClosed bool
	Log          *slog.Logger
	Now          func() time.Time                              // time.Now when nil
	Online       func(userIDs []int64) (map[int64]bool, error) // who is connected anywhere; nil: nobody is known to be
}

// Service is the domain. Its methods are safe for concurrent use.
type Service struct {
	Config
	writer  chan struct{} // held by the transaction that writes, on SQLite
	hashing *hashQueue
	uses    *tokenUses
	senders []chan *sending
	running sync.WaitGroup // the senders and the janitor
	closed  chan struct{}
}

// New makes a Service and starts its senders and its janitor; Close ends them.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Service{Config: c, writer: make(chan struct{}, 1), hashing: newHashQueue(), uses: newTokenUses(), closed: make(chan struct{})}
	s.startSenders()
	s.running.Go(s.runJanitor)
	return s
}

// Close waits for what is being committed and ends the senders. No method is called after it.
func (s *Service) Close() {
	close(s.closed)
	s.running.Wait()
	s.uses.wait()
}

// announce tells the Outlet, after the commit.
func (s *Service) announce(n News) {
	if s.Outlet != nil {
		s.Outlet.Announce(n)
	}
}
