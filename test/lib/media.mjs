// What a call must give everybody, whatever page it is in: a picture that goes on, and the sound of the others. The
// microphone of each person is a tone of its own, so the level of a tone tells who is heard.
import { until } from './until.mjs'

export const heard = -50 // dBFS: a tone in the mix is far above,
export const silent = -65 // and one that is not in it far below (what is left is leakage of the other tones)

const framesSeen = async (me) => (await me.sees()).reduce((n, s) => n + s.frames, 0)

// decodesOn waits for more than so many further frames, of all videos together.
export async function decodesOn(me, frames, deadline) {
  const before = await framesSeen(me)
  await until(`${me.name} decodes on`, deadline, async () => (await framesSeen(me)) > before + frames)
}

// hearsOthers listens for ms at a time.
export const hearsOthers = (me, others, deadline, ms) =>
  until(`${me.name} hears ${others.map((other) => other.name).join(' and ')} and not himself`, deadline, async () => {
    const [own, ...rest] = await me.hears([me.tone, ...others.map((other) => other.tone)], ms)
    if (rest.every((level) => level > heard) && own < silent) return true
    throw new Error(`levels: own ${own}, others ${rest}`)
  })
