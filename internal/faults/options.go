package faults

import "doran/internal/failpoint"

// everyPoint has nodes end at any point now and then, and wait at some.
func everyPoint() string {
	text := string(failpoint.BeforeRender) + "=sleep:0.02"
	for _, p := range failpoint.Points {
		switch p {
		case failpoint.BeforeRender:
		case failpoint.BeforeDeliver:
			text += "," + string(p) + "=kill:0.00005" // the busiest
		case failpoint.BeforeBirth:
			text += "," + string(p) + "=kill:0.002"
		default:
			text += "," + string(p) + "=kill:0.0002"
		}
	}
	return text
}
