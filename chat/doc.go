// Package chat is the domain: users, tokens, friends, blocks, chats, members, messages and the events that tell of them.
// It knows the database and the rules, and neither HTTP nor Redis.
//
// Every exported method of [Service] owns its transaction: it checks who may, writes, adds the events to the outbox in the
// same transaction, commits, and only then tells its [Outlet]. Locks are taken in one order everywhere: chat rows by
// ascending id, then users by ascending id, then members, messages, outbox. What happens in a chat happens under its row's lock, so the order of
// versions is the order of commits.
//
// Errors that a caller can do something about are [*Error] with a [Code]; any other error is a defect or a part that is down
// ([CodeUnavailable] where it is known to pass).
package chat
