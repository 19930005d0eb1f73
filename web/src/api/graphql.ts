import { ApiError, errorCode } from './errors'
import type { TypedDocumentString } from './generated/graphql'
import { request } from './http'

/** One entry of the `errors` list of a GraphQL answer. */
export interface GraphQLFailure {
  message: string
  extensions?: { code?: unknown; field?: unknown }
}

interface Answer<Result> {
  data?: Result | null
  errors?: GraphQLFailure[]
}

/** Runs a query or mutation. Any error in the answer rejects: the client never shows half a result. */
export async function execute<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  ...[variables]: Variables extends Record<string, never> ? [] : [Variables]
): Promise<Result> {
  const answer = (await request('POST', '/graphql', { query: document.toString(), variables })) as Answer<Result> | undefined
  if (answer?.errors?.length) throw graphQLError(answer.errors)
  if (answer?.data == null) throw new ApiError('INTERNAL', 'the answer holds no data')
  return answer.data
}

/** The first failure as an ApiError. */
export function graphQLError(failures: readonly GraphQLFailure[]): ApiError {
  const [first] = failures
  const field = first?.extensions?.field
  return new ApiError(
    errorCode(first?.extensions?.code),
    first?.message ?? 'unknown failure',
    typeof field === 'string' ? field : undefined,
  )
}
