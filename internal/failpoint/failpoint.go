// Package failpoint names the places between two steps of sending and delivering where a test may stop a node or end it, and the known
// mistakes that a test may build into one to see that it finds them. All of that is behind the build tag "failpoint": without it,
// Here does nothing and Defective is false, both while compiling, and nothing of either is in the program.
package failpoint

// Point is a place in the program.
type Point string

// The places, in the order in which a message passes them.
const (
	BeforeCommit  Point = "before-commit"
	AfterCommit   Point = "after-commit"   // nobody has been told yet
	BeforeFill    Point = "before-fill"    // bodies were read from the database and are about to be written
	BeforeAppend  Point = "before-append"  // the outbox and the members were read
	BeforeBirth   Point = "before-birth"   // the versions of an inbox were read
	BeforeWake    Point = "before-wake"    // inboxes have the events, nobody was woken
	BeforeOutbox  Point = "before-outbox"  // … and the outbox still has them
	BeforeRender  Point = "before-render"  // entries were read
	BeforeDeliver Point = "before-deliver" // a batch is about to be written to a client
)

// Points are all of them.
var Points = []Point{BeforeCommit, AfterCommit, BeforeFill, BeforeAppend, BeforeBirth, BeforeWake, BeforeOutbox, BeforeRender, BeforeDeliver}

// Defect is a mistake that somebody could make.
type Defect string

// The mistakes, each of which breaks a promise.
const (
	PublishBeforeCommit Defect = "publish-before-commit"
	AnswerBeforeCommit  Defect = "answer-before-commit"
	NoDedupe            Defect = "no-dedupe"        // client_id is not looked at
	AppendTwice         Defect = "append-twice"     // an inbox takes a version again
	NoEpoch             Defect = "no-epoch"         // another Redis is the same epoch
	NoSweep             Defect = "no-sweep"         // what a dead node left in the outbox stays there
	BirthFromNothing    Defect = "birth-empty"      // an inbox is born without the versions of the database
	MembersAsOfNow      Defect = "members-now"      // an event goes to who is a member when it is published
	BlindFill           Defect = "blind-fill"       // a body is written over a newer one
	NoAuthorisation     Defect = "no-authorisation" // what one may no longer read is shown
	ForgetTombstone     Defect = "no-tombstone"     // a deletion is not written to the body in Redis
)

// Defects are all of them.
var Defects = []Defect{PublishBeforeCommit, AnswerBeforeCommit, NoDedupe, AppendTwice, NoEpoch, NoSweep, BirthFromNothing, MembersAsOfNow, BlindFill, NoAuthorisation, ForgetTombstone}
