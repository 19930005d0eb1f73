// A person with a browser: an own process of Chromium or Firefox with a fake camera and a tone for a microphone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { launchFirefox } from './firefox.mjs'
import { probe } from './probe.mjs'
import { recording } from './recording.mjs'
import { writeTone } from './tone.mjs'

const flags = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
]

async function launchChromium(tone, dir, { shares, footage, trusts }) {
  const wav = join(dir, 'microphone.wav')
  writeTone(wav, tone)
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // A muted browser would share a silent tab.
    ignoreDefaultArgs: shares ? ['--mute-audio'] : [],
    args: [
      ...flags, '--use-fake-device-for-media-stream=fps=15', `--use-file-for-fake-audio-capture=${wav}`,
      ...(footage ? [`--use-file-for-fake-video-capture=${footage}`] : []),
      ...(trusts ? [`--ignore-certificate-errors-spki-list=${trusts}`] : []),
      // The first would choose a screen that does not exist. Camera and microphone are granted below either way.
      shares ? `--auto-select-tab-capture-source-by-title=${shares}` : '--use-fake-ui-for-media-stream',
    ],
  })
}

export class Person {
  // name is also the name shown in the meeting; tone is in Hz. shares is the title of the tab that is
  // chosen whenever the page asks what to share; locale is the language of the browser; footage is a file
  // for the camera to show; trusts is the pin of a certificate to accept, whoever signed it. Firefox shares no tab, shows
  // no footage and accepts no such certificate.
  static async open(name, tone, { firefox = false, viewport = { width: 1280, height: 800 }, shares, footage, trusts, locale = 'en-US', ...context } = {}) {
    const person = new Person()
    person.name = name
    person.tone = tone
    person.dir = mkdtempSync(join(tmpdir(), 'carillon-person-'))
    person.browser = firefox ? await launchFirefox(tone) : await launchChromium(tone, person.dir, { shares, footage, trusts })
    person.context = await person.browser.newContext({ viewport, locale, ...context })
    if (!firefox) await person.context.grantPermissions(['camera', 'microphone'])
    await person.context.addInitScript(firefox ? `(${probe})();(${recording})()` : probe)
    person.page = await person.context.newPage()
    person.console = []
    person.page.on('console', (m) => person.console.push(`${m.type()}: ${m.text()}`))
    person.page.on('pageerror', (e) => person.console.push(`pageerror: ${e.stack}`))
    return person
  }

  // hears gives the level (dBFS) of each frequency in what this browser plays, over a while, in one channel ("left",
  // "right") or in all of them.
  hears(frequencies, ms = 2500, channel = 'both') {
    return this.page.evaluate(([f, ms, c]) => window.probe.hears(f, ms, c), [frequencies, ms, channel])
  }

  // sees gives, for each video stream received, its decoded frames, size and codec.
  sees() {
    return this.page.evaluate(() => window.probe.sees())
  }

  // sends gives, for each video encoding sent, its encoded frames, size, codec and layers.
  sends() {
    return this.page.evaluate(() => window.probe.sends())
  }

  // audioReceived gives the packets of sound so far, and when (ms) the browser counted them.
  audioReceived() {
    return this.page.evaluate(() => window.probe.audioReceived())
  }

  async audioPackets() {
    return (await this.audioReceived()).packets
  }

  audioPacketsSent() {
    return this.page.evaluate(() => window.probe.audioPacketsSent())
  }

  // moving says whether the picture of a <video> changes.
  moving(selector, ms = 3000) {
    return this.page.evaluate(([s, ms]) => window.probe.moving(s, ms), [selector, ms])
  }

  async close() {
    await this.browser?.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
