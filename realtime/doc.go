// Package realtime brings what stands in inboxes to whoever is connected: over WebSocket, long-poll and server-sent events,
// the same batches from the same cursors.
//
//	inbox append → Server.Wake → hub marks the user's connections, here and, over the bus, on the other nodes
//	→ each reads its inbox from its own cursor → its transport writes → its cursor moves
//
// Catching up and following live are one loop (conn.go). A slow reader just has an older cursor, so nothing queues. A wake-up
// says only that there is something to read: one that is lost costs time and no event, as every connection also reads when
// it was silent for a while, and everybody reads when the node's subscription was away (bus.go).
//
// Whatever ends a connection is in the catalogue in disconnect.go.
package realtime
