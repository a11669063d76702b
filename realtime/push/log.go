package push

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

const (
	logLines  = 20
	logTTL    = 7 * 24 * time.Hour
	maxDetail = 300 // characters
)

// line is what became of one attempt, or of several in a row that came to the same.
type line struct {
	At     string `json:"at"`
	Until  string `json:"until"`
	Count  int    `json:"count"`
	Result string `json:"result"`
	Detail string `json:"detail"`
}

// logKey is where the log of a device stands; it outlives the device.
func logKey(user int64, device string) string { return stateKey(user) + ":log:" + device }

// record counts what became of an attempt for these devices, and writes it into their logs. That it cannot be written fails nothing.
func (s *Sender) record(ctx context.Context, targets []chat.PushTarget, a answer) {
	if len(targets) == 0 {
		return
	}
	if a.detail == "" {
		a.detail = usual[a.result]
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	now, _ := chat.At(time.Now()).MarshalJSON()
	pipe := s.redis().Pipeline()
	for _, t := range targets {
		s.metrics.results.WithLabelValues(t.Kind, a.result).Inc()
		logScript.Eval(ctx, pipe, []string{logKey(t.UserID, t.ID)}, strings.Trim(string(now), `"`), a.result, oneLine(a.detail), logLines, logTTL.Milliseconds())
	}
	if _, err := pipe.Exec(ctx); err != nil {
		s.Log.Debug("push: a line is missing in the logs of devices", "err", err)
	}
}

// oneLine makes what a service said fit to be shown.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text, "�")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > maxDetail {
		return string(runes[:maxDetail]) + "…"
	}
	return text
}

// DeviceLog is GET /accounts/{user_id}/devices/{device_id}/log/, for the user that the path belongs to.
func (s *Sender) DeviceLog(c *fiber.Ctx) error {
	who := c.Locals("session").(chat.Session)
	id := c.Params("device_id")
	if err := chat.CheckDeviceID(id); err != nil {
		return err
	}
	texts, err := s.redis().LRange(c.UserContext(), logKey(who.UserID, id), 0, logLines-1).Result()
	if err != nil {
		return &chat.Error{Code: chat.CodeUnavailable, Detail: "Redis, where the logs of devices stand, does not answer. Try again in a few seconds.", Err: err}
	}
	log := []line{}
	for _, text := range texts {
		if l, ok := parseLine(text); ok {
			log = append(log, l)
		}
	}
	return c.JSON(fiber.Map{"log": log})
}

func parseLine(text string) (line, bool) {
	parts := strings.SplitN(text, " ", 5)
	if len(parts) != 5 {
		return line{}, false
	}
	count, err := strconv.Atoi(parts[2])
	return line{At: parts[0], Until: parts[1], Count: count, Result: parts[3], Detail: parts[4]}, err == nil
}
