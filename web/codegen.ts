import type { CodegenConfig } from '@graphql-codegen/cli'

// `npm run codegen` after a change of the schema or of src/api/operations.ts. The output is
// committed; tests/operations.test.ts fails when it is out of date.
const config: CodegenConfig = {
  schema: process.env.SCHEMA ?? '../internal/api/graphql/schema.graphqls',
  documents: ['src/api/operations.ts'],
  generates: {
    './src/api/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { ID: 'string', AWSDateTime: 'string', JSONObject: 'Record<string, unknown>' },
      },
    },
  },
}

export default config
