import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import * as auth from '@/api/auth'
import type { Account } from '@/api/auth'
import { asApiError } from '@/api/errors'
import { execute } from '@/api/graphql'
import { MeDocument, UpdateProfileDocument } from '@/api/operations'

const operators = 'Operators'

/** Who is signed in. The cookie itself is out of reach of scripts; the server is asked once per page load. */
export const useSession = defineStore('session', () => {
  const account = shallowRef<Account>()
  const loaded = ref(false)
  const isOperator = computed(() => account.value?.groups.includes(operators) ?? false)

  /** Asks the server who we are. Rejects only when it cannot be asked. */
  async function load(): Promise<void> {
    try {
      account.value = (await execute(MeDocument)).me
    } catch (error) {
      if (asApiError(error).code !== 'UNAUTHENTICATED') throw error
      account.value = undefined
    }
    loaded.value = true
  }

  async function signIn(email: string, password: string): Promise<void> {
    account.value = await auth.signIn(email, password)
    loaded.value = true
  }

  /** Returns whether the address must be confirmed before the first sign-in. */
  async function signUp(input: { email: string; password: string; name: string }): Promise<boolean> {
    const result = await auth.signUp(input)
    if (result.confirmationRequired) return true
    account.value = result.account
    loaded.value = true
    return false
  }

  async function signOut(): Promise<void> {
    await auth.signOut()
    account.value = undefined
  }

  /** The server said that the session is over. */
  function expired(): void {
    account.value = undefined
  }

  async function rename(name: string): Promise<void> {
    account.value = (await execute(UpdateProfileDocument, { name })).updateProfile
  }

  return { account, loaded, isOperator, load, signIn, signUp, signOut, expired, rename }
})
