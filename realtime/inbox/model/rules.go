package model

// Rule is one rule of the protocol. Without it, histories exist in which a promise is broken. Rules that only stand behind another
// one, and hardly break anything alone, have no name here: that a cursor and a body carry their epoch, that clients ask when a version
// is not the next, that a demoted master refuses to answer reads, that a reply is used only in the epoch of its call.
type Rule int

// The rules, by the part that they belong to.
const (
	// Sending and the outbox.
	CommitFirst  Rule = iota // what is published was committed before
	OutboxLast               // an event leaves the outbox after every inbox has it, not before
	Sweep                    // what stands in the outbox for a while is published by any node
	Fence                    // an event leaves the outbox only in the epoch in which it was appended
	AsOfVersion              // an event goes to who was a member as of its version, not to who is one now
	BodiesFirst              // the bodies are written before an event is taken out of the outbox
	TombstoneSet             // a tombstone is written even when somebody else's word stands
	// The inbox.
	Once              // a version that the inbox has is not appended again
	NextOnly          // a version is not appended while one before it is missing
	NextStay          // the next version is the first at which the user was a member
	ReadForward       // message.read only goes forward
	Forsake           // an inbox that lacks what is no longer in the outbox is born again
	BirthFromDatabase // an inbox is born with the versions of the database
	BirthOfLeft       // … also of chats that the user left
	BirthClears       // both keys go before a birth
	EmptyIsUnborn     // a stream without entries is no inbox
	// Epochs.
	Epochs       // another Redis is another epoch
	EpochOfInbox // an inbox of an older epoch is unborn, of a later one not to be touched
	LeaveStrays  // a node that moves to another epoch leaves the connections to the Redis of the one before
	// Reading.
	Inclusive        // the cursor's own entry must still be there
	BirthOfCursor    // a cursor of another birth is a gap
	BodyVersion      // a body older than its entry is missing
	BodyWord         // who fills a body writes only while their word stands
	BodyNewer        // a body is not overwritten by an older one
	MayAfterBodies   // who may see is asked after the bodies were read
	MayOwnEnd        // the end of one's own stay is shown
	MayFromJoin      // messages from before the stay are passed over
	CursorBeforeMend // after a gap, the new cursor is taken before the client reads the database
	// Clients.
	FirstSeq   // a client drops what it holds from before the first that it may see
	ListStable // a client that mends reads its chats by id
	rules
)

var ruleNames = [rules]string{
	"CommitFirst", "OutboxLast", "Sweep", "Fence", "AsOfVersion", "BodiesFirst", "TombstoneSet",
	"Once", "NextOnly", "NextStay", "ReadForward", "Forsake", "BirthFromDatabase", "BirthOfLeft", "BirthClears", "EmptyIsUnborn",
	"Epochs", "EpochOfInbox", "LeaveStrays",
	"Inclusive", "BirthOfCursor", "BodyVersion", "BodyWord", "BodyNewer", "MayAfterBodies", "MayOwnEnd", "MayFromJoin", "CursorBeforeMend",
	"FirstSeq", "ListStable",
}

// String is the rule's name.
func (r Rule) String() string { return ruleNames[r] }

// Rules are those that hold.
type Rules uint64

// Sound is the protocol with all of its rules.
const Sound Rules = 1<<rules - 1

// Without takes rules away.
func (s Rules) Without(away ...Rule) Rules {
	for _, r := range away {
		s &^= 1 << r
	}
	return s
}

func (s Rules) hold(r Rule) bool { return s&(1<<r) != 0 }
