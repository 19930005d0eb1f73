import { request } from './http'

/** A signed-in person as the /auth endpoints describe them. */
export interface Account {
  id: string
  email: string
  name: string
  groups: string[]
}

export interface AuthConfig {
  /** open: anybody may sign up; invite and closed: an administrator creates accounts. */
  signUp: 'open' | 'invite' | 'closed'
  /** Whether a new account must confirm its e-mail address with a code. */
  emailConfirmation: boolean
}

export interface SignUpResult {
  account: Account
  confirmationRequired: boolean
}

export async function authConfig(): Promise<AuthConfig> {
  return (await request('GET', '/auth/config')) as AuthConfig
}

/** Signs in at once unless confirmation is required. */
export async function signUp(input: { email: string; password: string; name: string }): Promise<SignUpResult> {
  return (await request('POST', '/auth/sign-up', input)) as SignUpResult
}

export async function confirmEmail(email: string, code: string): Promise<void> {
  await request('POST', '/auth/confirm', { email, code })
}

export async function resendConfirmation(email: string): Promise<void> {
  await request('POST', '/auth/resend', { email })
}

export async function signIn(email: string, password: string): Promise<Account> {
  return ((await request('POST', '/auth/sign-in', { email, password })) as { account: Account }).account
}

export async function signOut(): Promise<void> {
  await request('POST', '/auth/sign-out', {})
}

/** Also signs out every other session of the account. */
export async function changePassword(oldPassword: string, newPassword: string): Promise<void> {
  await request('POST', '/auth/change-password', { oldPassword, newPassword })
}
