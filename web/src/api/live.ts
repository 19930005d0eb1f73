import { createClient, type Client } from 'graphql-ws'
import type { TypedDocumentString } from './generated/graphql'

/** Where a subscription stands: `live` after each (re)connection, `lost` while there is none. */
export type LiveState = 'connecting' | 'live' | 'lost'

/**
 * One WebSocket to /graphql that carries every subscription of a page, reconnects by itself for as
 * long as it is open, and starts the subscriptions again.
 *
 * Events of the time without a connection are lost, so the owner must read the whole state again
 * whenever onState says `live`.
 */
export class LiveConnection {
  private readonly client: Client
  private readonly unsubscribe: (() => void)[] = []
  private closed = false

  constructor(onState: (state: LiveState) => void) {
    const tell = (state: LiveState) => {
      if (!this.closed) onState(state)
    }
    this.client = createClient({
      url: webSocketUrl('/graphql'),
      lazy: false,
      onNonLazyError: () => tell('lost'),
      keepAlive: 20_000,
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: waitBeforeRetry,
      on: {
        connecting: () => tell('connecting'),
        connected: () => tell('live'),
        closed: () => tell('lost'),
      },
    })
  }

  /** Delivers results until close. Failures of one event are left out: the next reload mends them. */
  subscribe<Result>(document: TypedDocumentString<Result, Record<string, never>>, onResult: (result: Result) => void): void {
    this.unsubscribe.push(
      this.client.subscribe<Result>(
        { query: document.toString() },
        {
          next: ({ data }) => {
            if (data && !this.closed) onResult(data)
          },
          error: () => undefined,
          complete: () => undefined,
        },
      ),
    )
  }

  close(): void {
    this.closed = true
    for (const stop of this.unsubscribe) stop()
    void this.client.dispose()
  }
}

/** Full jitter, at most five seconds: after a restart of the server clients come back spread out. */
async function waitBeforeRetry(retries: number): Promise<void> {
  const limit = Math.min(5_000, 500 * 2 ** Math.min(retries, 8))
  await new Promise((resolve) => setTimeout(resolve, Math.random() * limit))
}

function webSocketUrl(path: string): string {
  const url = new URL(path, window.location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}
