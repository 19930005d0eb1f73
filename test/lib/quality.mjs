// What the samples of a meter say.

// disturbances are the times [from, to] (s) at which the machine held somebody up: the call of a page with itself stumbled,
// its camera or the samples themselves did, or there are gaps on a line. They say nothing about the line, nor does the
// moment after them.
export function disturbances(pages, gaps) {
  const found = gaps.map(([from, to]) => [from - before, to + settling])
  for (const samples of pages) {
    for (let i = 1; i < samples.length; i++) {
      const [a, b] = [samples[i - 1], samples[i]]
      const blind = b.captured !== undefined && b.captured === a.captured && b.at - a.at > 0.15
      if (blind || b.at - a.at > late || stumbled(a.control, b.control)) found.push([a.at - before, b.at + settling])
    }
  }
  return found
}

const [before, settling, late] = [0.2, 0.8, 0.5] // s
const stumble = 0.12 // s between two frames of which there are thirty a second

// stumbled tells from the sum of the squares whether one of the times between two frames was long.
function stumbled(a, b) {
  const frames = b.frames - a.frames
  if (frames === 0) return true
  const seconds = b.seconds - a.seconds
  const excess = b.squares - a.squares - seconds ** 2 / frames
  return excess > (stumble - 1 / 30) ** 2 * (1 - 1 / Math.max(frames, 2))
}

const overlaps = (disturbed, from, to) => disturbed.some(([a, b]) => a < to && from < b)

// pairs are the steps from sample to sample at undisturbed times in which `of` finds something.
function pairs(samples, of, disturbed) {
  const found = []
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1], samples[i]]
    if (of(a) && of(b) && !overlaps(disturbed, a.at, b.at)) found.push({ seconds: b.at - a.at, from: of(a), to: of(b) })
  }
  return found
}

const total = (steps, name) => steps.reduce((sum, s) => sum + s.to[name] - s.from[name], 0)
const time = (steps) => steps.reduce((sum, s) => sum + s.seconds, 0)

// quiet is how many seconds of the samples are undisturbed.
export const quiet = (samples, disturbed = []) => time(pairs(samples, () => true, disturbed))

// video is the picture of one attendee: seconds, share of them frozen, the longest time (s) without a new frame, frames
// per second, kbit/s, the width of the picture, and counts.
export function video(samples, attendee, disturbed = []) {
  const of = (s) => s.video[attendee]
  const steps = pairs(samples, of, disturbed)
  const seconds = time(steps)
  const longest = longestGap(samples.map((s) => ({ at: s.at, frames: of(s)?.frames })), disturbed)
  const count = (name) => total(steps, name)
  // The browser counts a freeze when it is over; one that is not is in the gap.
  const frozen = Math.max(count('frozen'), longest.unfinished > 1 ? longest.unfinished : 0)
  return {
    seconds, frozen: frozen / seconds, freezes: count('freezes'),
    longest: Math.max(longest.gap, ...steps.map((s) => s.to.frozen - s.from.frozen)), fps: count('frames') / seconds,
    kbps: (count('bytes') * 8) / 1000 / seconds, width: of(samples.at(-1))?.width, lost: count('lost'), healed: count('healed'),
    nacks: count('nacks'), plis: count('plis'), keyFrames: count('keyFrames'),
  }
}

function longestGap(seen, disturbed) {
  let gap = 0
  let progress = seen[0]
  for (const s of seen) {
    const fresh = s.frames !== undefined && s.frames !== progress.frames // fewer: a new receiver
    if (fresh || overlaps(disturbed, progress.at, s.at)) progress = { at: s.at, frames: s.frames ?? progress.frames }
    gap = Math.max(gap, s.at - progress.at)
  }
  return { gap, unfinished: seen.at(-1).at - progress.at }
}

// audio is the one stream that everybody hears: share of the samples concealed, share of the packets lost, packets per
// second, and how often a packet came once more.
export function audio(samples, disturbed = []) {
  const steps = pairs(samples, (s) => s.audio, disturbed)
  const [packets, lost] = [total(steps, 'packets'), total(steps, 'lost')]
  return {
    concealed: total(steps, 'concealed') / total(steps, 'samples'), lost: lost / (packets + lost),
    rate: packets / time(steps), copies: total(steps, 'copies') / packets,
  }
}

// sent is what one encoder (RID, or undefined without simulcast) has sent.
export function sent(samples, rid, disturbed = []) {
  const of = (s) => s.sent.find((layer) => layer.rid === rid)
  const steps = pairs(samples, of, disturbed)
  const seconds = time(steps)
  return {
    seconds, requests: total(steps, 'plis') + total(steps, 'firs'), keyFrames: total(steps, 'keyFrames'), nacks: total(steps, 'nacks'),
    resent: total(steps, 'resent'), fps: total(steps, 'frames') / seconds, kbps: (total(steps, 'bytes') * 8) / 1000 / seconds,
    width: of(samples.at(-1))?.width,
  }
}

// halts are the times [from, to] (s) at which a browser made no frame of one encoding for half a second, as it does when
// it is held up or believes its own line to be worse. Receivers have to take another one meanwhile, and for a moment more.
export function halts(samples, rid) {
  const frames = (s) => s.sent.find((layer) => layer.rid === rid)?.frames
  const found = []
  let last = samples[0]
  for (const s of samples) {
    if (frames(s) === frames(last)) continue
    if (s.at - last.at > 0.5) found.push([last.at, s.at + 2])
    last = s
  }
  if (samples.at(-1).at - last.at > 0.5) found.push([last.at, Infinity])
  return found
}

// brief is a result as one line for the report of a test.
export const brief = (result) =>
  Object.entries(result)
    .map(([name, value]) => `${name} ${typeof value !== 'number' || Number.isInteger(value) ? value : value.toFixed(3)}`)
    .join(', ')
