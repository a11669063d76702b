// Package faults runs real nodes of Doran on real MariaDB, Redis and Mosquitto, has people send, edit, delete, join and leave, has
// their devices follow on every transport, changing transport and node with one cursor, and meanwhile ends, freezes, empties and cuts
// off whatever can be. What everybody saw is held against what the database has in the end: nothing lost, doubled, disordered or
// leaked.
//
// `make faults SECONDS=3600 SEED=7` runs it as long as asked. What is built with the tag "failpoint" can also be ended
// between any two steps, and can have known mistakes built in, to see that they are found.
package faults
