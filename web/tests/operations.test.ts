// @vitest-environment node
import { readFileSync } from 'node:fs'
import { generate } from '@graphql-codegen/cli'
import { buildSchema, parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import config from '../codegen'
import * as operations from '@/api/operations'

const schema = buildSchema(readFileSync(new URL('../../internal/api/graphql/schema.graphqls', import.meta.url), 'utf8'))

describe('operations', () => {
  it.each(Object.entries(operations))('%s is valid for the schema of the server', (_name, document) => {
    expect(validate(schema, parse(document.toString()))).toEqual([])
  })

  it('the generated types are up to date (npm run codegen)', { timeout: 60_000 }, async () => {
    const files = (await generate({ ...config, silent: true }, false)) as { filename: string; content: string }[]
    expect(files.length).toBeGreaterThan(0)
    for (const { filename, content } of files) expect(readFileSync(filename, 'utf8'), filename).toBe(content)
  })
})
