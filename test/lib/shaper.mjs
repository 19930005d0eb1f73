// One direction of a bad line, as arithmetic: when does a packet arrive, and does it. It never looks at a clock, so
// the same seed, packets and times give the same fate.

// random is a small generator with 32 bits of state (mulberry32); Math.random cannot be seeded.
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export const clear = {
  loss: 0, // share of the packets that vanish, at random
  delay: 0, // ms on the way
  jitter: 0, // ms more, evenly spread; packets stay in order, as on one link
  rate: Infinity, // bit/s
  queue: 300, // ms that a packet may wait for those before it; one that would wait longer is dropped
  cut: false, // nothing arrives
}

export class Shaper {
  #random
  #free = 0 // when the link has sent what it was given
  #last = 0 // when the last packet arrives
  #line = { ...clear }

  constructor(seed) {
    this.#random = random(seed)
    this.count = { packets: 0, bytes: 0, lost: 0, dropped: 0, cut: 0 } // packets and bytes are those that get through
  }

  // set changes what is named and leaves the rest as it is.
  set(changes) {
    for (const name of Object.keys(changes)) if (!(name in clear)) throw new Error(`a line has no ${name}`)
    Object.assign(this.#line, changes)
  }

  // take returns when a packet that is sent now (ms) arrives, or undefined if it does not.
  take(bytes, now) {
    const { loss, delay, jitter, rate, queue, cut } = this.#line
    const [fate, spread] = [this.#random(), this.#random()]
    if (cut) return this.#drop('cut')
    if (fate < loss) return this.#drop('lost')
    const begin = Math.max(this.#free, now)
    if (begin - now > queue) return this.#drop('dropped')
    this.#free = begin + (bytes * 8000) / rate
    this.#last = Math.max(this.#last, this.#free + delay + spread * jitter)
    this.count.packets++
    this.count.bytes += bytes
    return this.#last
  }

  #drop(why) {
    this.count[why]++
  }
}
