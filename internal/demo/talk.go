package demo

import (
	"context"
	"math/rand/v2"

	"doran/chat"
)

// talk is one chat and how far its people have come in what they say.
type talk struct {
	town   *Town
	script script
	ids    map[string]int64
	id     int64
	line   int
	reply  int
	pause  int   // seconds until somebody says something
	typing int64 // who is about to
	answer bool  // to the guest
	heard  int64 // the newest message that they have read
	over   bool
}

// step is one second: they read, somebody begins to type, or says what they typed. An answer to the guest comes before the next line.
func (k *talk) step(ctx context.Context) error {
	if k.over {
		return nil
	}
	if err := k.listen(ctx); err != nil {
		return err
	}
	if k.pause--; k.pause > 0 {
		return nil
	}
	if k.typing == 0 {
		k.typing = k.speaker()
		k.pause = 1 + rand.IntN(2)
		return k.town.service.SendTyping(ctx, k.typing, k.id)
	}
	k.typing, k.pause = 0, k.script.pace+rand.IntN(k.script.pace)
	if k.answer {
		k.answer = false
		return k.say(ctx, k.script.with[0], replies[next(&k.reply, len(replies))])
	}
	return k.sayNext(ctx)
}

// listen has everybody read what is new, and notices when it is the guest's.
func (k *talk) listen(ctx context.Context) error {
	me := k.ids[k.script.with[0]]
	page, err := k.town.service.Messages(ctx, me, k.id, chat.Page{Limit: 20, After: k.heard, AfterSet: true})
	if err != nil || len(page.Messages) == 0 {
		return err
	}
	for _, m := range page.Messages {
		k.heard = m.ID
		if m.SenderID == k.town.guest {
			k.answer, k.typing, k.pause = true, 0, 1
		}
	}
	for _, name := range k.script.with {
		if _, err := k.town.service.MarkRead(ctx, k.ids[name], k.id, k.heard); err != nil {
			return err
		}
	}
	return nil
}

func (k *talk) speaker() int64 {
	if k.answer {
		return k.ids[k.script.with[0]]
	}
	return k.ids[k.script.lines[k.line%len(k.script.lines)].who]
}

func (k *talk) sayNext(ctx context.Context) error {
	l := k.script.lines[next(&k.line, len(k.script.lines))]
	return k.say(ctx, l.who, l.text)
}

func (k *talk) say(ctx context.Context, name, text string) error {
	_, _, err := k.town.service.SendMessage(ctx, k.ids[name], k.id, text, "")
	return err
}

// next gives where the counter stands, round and round, and moves it.
func next(counter *int, n int) int {
	i := *counter % n
	*counter++
	return i
}
