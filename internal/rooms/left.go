package rooms

import (
	"slices"
	"time"
)

// maxLeftMessages bounds the data messages of all conferences that nobody is in: 32 MB of data at most. Beyond it those
// go whose lifetime ends first, a conference at a time.
const maxLeftMessages = 16 * 1024

// leftMessages keeps the data messages of conferences that nobody is in at present, for those who come back while the
// messages live. It is guarded by Hub.mu.
type leftMessages struct {
	boxes map[string]*leftBox // by conference
	count int                 // messages in all boxes
}

type leftBox struct {
	messages messageBox
	ends     time.Time   // when the last message dies
	timer    *time.Timer // forgets the box then
}

// put keeps what is still alive. forget is called, on a goroutine of its own, when nothing is any more.
func (l *leftMessages) put(id string, b messageBox, now time.Time, forget func(*leftBox)) {
	b.kept = slices.DeleteFunc(slices.Clone(b.kept), func(m Message) bool { return !now.Before(m.expires) })
	if len(b.kept) == 0 {
		return
	}
	box := &leftBox{messages: b}
	for _, m := range b.kept {
		if m.expires.After(box.ends) {
			box.ends = m.expires
		}
	}
	box.timer = time.AfterFunc(box.ends.Sub(now), func() { forget(box) })
	if l.boxes == nil {
		l.boxes = make(map[string]*leftBox)
	}
	l.boxes[id] = box
	l.count += len(b.kept)
	for l.count > maxLeftMessages {
		l.take(l.first())
	}
}

// first is the conference whose messages end first.
func (l *leftMessages) first() (id string) {
	for other, box := range l.boxes {
		if id == "" || box.ends.Before(l.boxes[id].ends) {
			id = other
		}
	}
	return id
}

// take removes the messages of a conference and returns them, if there are any.
func (l *leftMessages) take(id string) (b messageBox, found bool) {
	box := l.boxes[id]
	if box == nil {
		return messageBox{}, false
	}
	box.timer.Stop()
	delete(l.boxes, id)
	l.count -= len(box.messages.kept)
	return box.messages, true
}

// clear removes everything.
func (l *leftMessages) clear() {
	for id := range l.boxes {
		l.take(id)
	}
}

// keepMessagesLocked keeps the messages of a room that is given up. Guarded by Hub.mu.
func (h *Hub) keepMessagesLocked(r *Room) {
	r.mu.Lock()
	messages := r.messages
	r.mu.Unlock()
	h.left.put(r.id, messages, time.Now(), func(box *leftBox) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.left.boxes[r.id] == box {
			h.left.take(r.id)
		}
	})
}

// restoreMessagesLocked gives a new room what an earlier one of its conference has left. Guarded by Hub.mu.
func (h *Hub) restoreMessagesLocked(r *Room) {
	if messages, found := h.left.take(r.id); found {
		r.mu.Lock()
		r.messages = messages
		r.mu.Unlock()
	}
}
