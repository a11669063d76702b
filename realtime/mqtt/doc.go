// Package mqtt brings what stands in inboxes to devices that are in the background, by way of an MQTT broker.
//
//	inbox append → Forwarder.Wake → users with grants go into the work stream → one node carries each user:
//	lease → for each grant in the background: read the inbox from its cursor → publish → PUBACK → the cursor moves
//
// A forwarder is one more reader of inboxes. What it keeps stands in Redis, and each part may be lost at any moment:
//
//	mqtt:{42}        hash: token id → "GRANT CURSOR", up to where the grant's topic was served; no cursor: a gap is owed
//	mqtt:{42}:lease  which node carries the user just now, so that order is kept; " again" behind it: look once more
//	mqtt:work        stream: users to look at, for the consumer group "forwarders", to which every node belongs
//	mqtt:pass        which node goes over all grants just now: whoever was forgotten is found by that
//
// A grant whose token is in the foreground (package presence) is left alone. When that ends, forwarding goes on from what was
// confirmed there.
package mqtt
