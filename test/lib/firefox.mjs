// Firefox as Debian ships it, driven by WebDriver BiDi, with a fake camera and a tone for a microphone.
import { existsSync } from 'node:fs'
import { firefox } from 'playwright-core'

const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr'

const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0, // allowed
  'media.autoplay.blocking_policy': 0,
}

export async function launchFirefox(tone) {
  if (!existsSync(executablePath)) throw new Error(`There is no Firefox at ${executablePath}: run scripts/install firefox, or set FIREFOX.`)
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath,
    timeout: 90_000,
    firefoxUserPrefs: { ...preferences, 'media.navigator.audio.fake_frequency': tone },
  })
  keepMediaFeatures(browser)
  return browser
}

// keepMediaFeatures spares the browser a command that Playwright gives for every context and that this release of
// Firefox does not have. It would set a colour scheme, which no test wants.
function keepMediaFeatures(browser) {
  const session = browser._connection.toImpl(browser)._browserSession
  const send = session.send.bind(session)
  session.send = async (method, parameters) => (method === 'emulation.setMediaFeaturesOverride' ? {} : send(method, parameters))
}
