// Package push wakes up devices that are in the background, by way of Firebase Cloud Messaging and Web Push. A push says
// nothing but that something is there: the device then polls.
//
//	inbox append → Sender.Published → the chat goes into the work stream → one node looks who is in it, and on which devices
//	→ a device that is neither connected nor woken up already is claimed → its service is called → what it said is written down
//
// What a sender keeps stands in Redis. If it is lost, a push is lost or sent twice, and no message:
//
//	push:work            stream: chats in which something was said, users whose foreground ended; for the consumer group "senders"
//	push:{42}            hash: device → "TOKEN UNTIL", it was woken up and is left alone until then, in ms, or until the token connects;
//	                     owed:DEVICE → "TOKEN ENTRY", it was connected when this entry came into the inbox
//	push:{42}:log:PHONE  list: what became of the last 20 attempts for the device that its client calls PHONE
//	push:later           sorted set: what a service could not take, by when it is asked again
//
// The log stands in Redis and not in the database: most messages to somebody in the foreground write one line, it is for
// people who look into why something does not arrive, and nobody misses it after a week.
package push
