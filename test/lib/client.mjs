// What a person does in the web client.
import { until } from './until.mjs'

export const password = 'correct horse battery'

const by = (id) => `[data-testid="${id}"]`

export class Guest {
  constructor(person, url) {
    this.person = person
    this.page = person.page
    this.url = url
    this.email = `${person.name}@example.org`
  }

  at(id) {
    return this.page.locator(by(id))
  }

  // type fills a field and looks whether it was that field: a page may move the focus just after it opens.
  async type(id, text) {
    await until(`${id} is filled`, 10_000, async () => {
      await this.at(id).fill(text)
      return (await this.at(id).inputValue()) === text
    })
  }

  async signUp() {
    await this.page.goto(this.url + '/sign-up')
    await this.type('sign-up-name', this.person.name)
    await this.type('sign-up-email', this.email)
    await this.type('sign-up-password', password)
    await this.at('sign-up-submit').click()
    await this.at('create-meeting').waitFor()
  }

  async signIn(email = this.email) {
    await this.page.goto(this.url + '/sign-in')
    await this.type('sign-in-email', email)
    await this.type('sign-in-password', password)
    await this.at('sign-in-submit').click()
    await this.at('create-meeting').waitFor()
  }

  async createMeeting(title, description) {
    await this.at('create-meeting').click()
    await this.type('meeting-title', title)
    await this.type('meeting-description', description)
    await this.at('create-submit').click()
    await this.card(title).waitFor()
    return this.card(title).getAttribute('data-meeting-id')
  }

  card(title) {
    return this.at('meeting-card').filter({ hasText: title })
  }

  // join goes through the device preview and waits for the own tile.
  async join(title) {
    await this.card(title).locator(by('join')).click()
    await this.enter()
  }

  async enter() {
    await this.type('preview-name', this.person.name)
    await this.at('preview-join').click()
    await this.page.locator(`${by('tile')}[data-self="true"]`).waitFor({ timeout: 20_000 })
    this.attendee = await this.page.locator(`${by('tile')}[data-self="true"]`).getAttribute('data-attendee-id')
  }

  videoOf(other) {
    return `[data-testid="tile"][data-attendee-id="${other.attendee}"] video`
  }

  async seesMoving(other, deadline = 30_000) {
    await until(`${this.person.name} sees ${other.person.name} move`, deadline, () => this.person.moving(this.videoOf(other), 2000))
  }
}
