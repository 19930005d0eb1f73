import { describe, expect, it } from 'vitest'
import { i18n, preferredLanguage } from '@/i18n'
import { en } from '@/locales/en'
import { ja } from '@/locales/ja'

type Tree = { [key: string]: string | Tree }

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(prefix + key, value)
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) found.set(inner, text)
  }
  return found
}

const english = flatten(en)
const japanese = flatten(ja)
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
const source = Object.values(import.meta.glob<string>('../src/**/*.{vue,ts}', { query: '?raw', import: 'default', eager: true })).join('\n')

describe('texts', () => {
  it('are complete in both languages', () => {
    expect([...japanese.keys()].sort()).toEqual([...english.keys()].sort())
    for (const [key, text] of [...english, ...japanese]) expect(text, key).not.toBe('')
  })

  it('have the same placeholders', () => {
    for (const [key, text] of english) expect(placeholders(japanese.get(key) ?? ''), key).toEqual(placeholders(text))
  })

  it('compile', () => {
    for (const language of ['en', 'ja'] as const) {
      i18n.global.locale.value = language
      for (const key of english.keys()) expect(i18n.global.t(key, { count: 2 }), key).not.toBe(key)
    }
  })

  it('exist wherever the source names one', () => {
    const named = [...source.matchAll(/\bt\('([\w.-]+)'/g)].map(([, key]) => key ?? '')
    expect(named.length).toBeGreaterThan(80)
    expect(named.filter((key) => !english.has(key))).toEqual([])
  })

  it('are written in Japanese, not left in English', () => {
    const untouched = new Set(['app.name'])
    const left = [...japanese].filter(([key, text]) => !untouched.has(key) && !/[\u3040-\u30ff\u4e00-\u9fff]/.test(text))
    expect(left).toEqual([])
  })
})

describe('preferred language', () => {
  it.each([
    [['ja-JP', 'en'], 'ja'],
    [['de-DE', 'ja'], 'ja'],
    [['en-GB'], 'en'],
    [['de'], 'en'],
    [[], 'en'],
  ])('%j → %s', (wanted, language) => {
    expect(preferredLanguage(wanted)).toBe(language)
  })
})
