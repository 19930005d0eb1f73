// Checks of form fields. The server checks again; these only save a round trip. Each returns a
// message key or undefined. Lengths are in code points, as on the server.

export function lengthOf(text: string): number {
  return [...text].length
}

export function emailProblem(email: string): string | undefined {
  return /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? undefined : 'fields.emailInvalid'
}

export function newPasswordProblem(password: string): string | undefined {
  const length = lengthOf(password)
  return length >= 8 && length <= 256 ? undefined : 'fields.passwordInvalid'
}

export function nameProblem(name: string): string | undefined {
  const length = lengthOf(name.trim())
  if (length === 0) return 'fields.nameRequired'
  return length > 100 ? 'fields.nameTooLong' : undefined
}
