import { BR, NF, RNF, V, create, refused, remove, times, unknown } from './values.mjs'

const start = (settings, error, id = '$m') => ({ do: 'StartMeetingTranscription', in: { MeetingId: id, TranscriptionConfiguration: settings }, error })
const stop = (id = '$m') => ({ do: 'StopMeetingTranscription', in: { MeetingId: id } })
const speech = (settings) => ({ EngineTranscribeSettings: settings })
const medical = { LanguageCode: 'en-US', Specialty: 'CARDIOLOGY', Type: 'DICTATION' }
const raw = (id, name, settings, error) => ({ id, name, via: 'raw', steps: [create(), start(settings, error)] })
const noEngine = 'UnprocessableEntityException'

const tag = (pairs, arn = '$mArn') => ({ do: 'TagResource', in: { ResourceARN: arn, Tags: Object.entries(pairs).map(([Key, Value]) => ({ Key, Value })) } })
const untag = (TagKeys, arn = '$mArn') => ({ do: 'UntagResource', in: { ResourceARN: arn, TagKeys } })
const tags = (want, arn = '$mArn') => ({ do: 'ListTagsForResource', in: { ResourceARN: arn }, want: want && { Tags: Object.entries(want).map(([Key, Value]) => ({ Key, Value })) } })
const arnOf = (id, account = '000000000000', region = 'eu-central-1') => `arn:aws:chime:${region}:${account}:meeting/${id}`

export default [
  { id: 'R01', name: 'start without an engine, again in another language (R02)', steps: [create(), start(speech({ LanguageCode: 'en-US' }), noEngine), start(speech({ LanguageCode: 'de-DE' }), noEngine), start({ EngineTranscribeMedicalSettings: medical }, noEngine)] },
  raw('R03', 'neither engine', {}, BR),
  raw('R03', 'both engines', { ...speech({ LanguageCode: 'en-US' }), EngineTranscribeMedicalSettings: medical }, BR),
  raw('R04', 'unknown language', speech({ LanguageCode: 'xx-XX' }), V),
  raw('R04', 'unknown stability', speech({ LanguageCode: 'en-US', PartialResultsStability: 'max' }), V),
  raw('R05', 'both kinds of PII', speech({ LanguageCode: 'en-US', ContentIdentificationType: 'PII', ContentRedactionType: 'PII' }), BR),
  raw('R05', 'PII types alone', speech({ LanguageCode: 'en-US', PiiEntityTypes: 'NAME' }), BR),
  raw('R06', 'preferred language without options', speech({ IdentifyLanguage: true, PreferredLanguage: 'en-US' }), BR),
  raw('R06', 'one option', speech({ IdentifyLanguage: true, LanguageOptions: 'en-US' }), BR),
  raw('R06', 'two dialects', speech({ IdentifyLanguage: true, LanguageOptions: 'en-US,en-GB' }), BR),
  raw('R06', 'two languages', speech({ IdentifyLanguage: true, LanguageOptions: 'en-US,de-DE', PreferredLanguage: 'de-DE' }), noEngine),
  raw('R06', 'no language', speech({}), BR),
  raw('R07', 'medical without specialty', { EngineTranscribeMedicalSettings: { LanguageCode: 'en-US', Type: 'DICTATION' } }, V),
  raw('R07', 'no configuration', undefined, V),
  { id: 'R08', name: 'stop when nothing runs (R10)', steps: [create(), stop()] },
  { id: 'R08', name: 'stop with the body {}', via: 'raw', steps: [create(), { ...stop(), raw: { body: '{}' } }] },
  { id: 'R09', name: 'unknown meeting', steps: [start(speech({ LanguageCode: 'en-US' }), NF, unknown), refused(stop(unknown), NF)] },

  { id: 'K01', name: 'tag, list, untag, list', steps: [create(), tag({ team: 'a b', x: '' }), tags({ team: 'a b', x: '' }), untag(['team', 'x']), tags({})] },
  { id: 'K02', name: 'one key again', steps: [create(), tag({ k: '1' }), tag({ k: '2' }), tags({ k: '2' })] },
  { id: 'K03', name: '50 tags, then one more', steps: [create(), tag(Object.fromEntries(times(50, (i) => ['k' + i, 'v']))), { ...tag({ more: 'v' }), error: 'TooManyTagsException', resource: '$mArn' }, tag({ k1: 'w' })] },
  { id: 'K04', name: 'untag what is not there', steps: [create(), untag(['k'])] },
  { id: 'K05', name: 'empty lists', via: 'raw', steps: [create(), { do: 'TagResource', in: { ResourceARN: '$mArn', Tags: [] } }, untag([])] },
  { id: 'K05', name: 'no lists', via: 'raw', steps: [create(), { do: 'TagResource', in: { ResourceARN: '$mArn' }, error: V }, { do: 'UntagResource', in: { ResourceARN: '$mArn' }, error: V }] },
  { id: 'K06', name: 'unknown and ended meeting', steps: [create(), remove(), ...['$mArn', arnOf(unknown)].flatMap((arn) => [tag({ k: 'v' }, arn), untag(['k'], arn), tags(undefined, arn)].map((step) => ({ ...step, error: RNF, resource: arn })))] },
  { id: 'K07', name: 'no name of a resource', via: 'raw', steps: [{ ...tag({ k: 'v' }, 'foo'), error: V }, { ...tags(undefined, 'foo'), error: V }, { do: 'ListTagsForResource', in: {}, error: V }] },
  { id: 'K08', name: 'name without region', via: 'raw', steps: [create({ Tags: [{ Key: 'k', Value: 'v' }] }), tags({ k: 'v' }, arnOf('$m', undefined, ''))] },
  { id: 'K09', name: 'name with another account, meeting of another key', steps: [create(), { ...tags(undefined, arnOf('$m', '111111111111')), error: RNF }, { ...tags(), want: undefined, error: RNF, key: 'other' }] },
  { id: 'K10', name: 'tags given at creation', steps: [create({ Tags: [{ Key: 'team', Value: 'x' }] }), tags({ team: 'x' })] },
  { id: 'K11', name: 'reserved key', via: 'raw', steps: [create(), { ...tag({ 'aws:k': 'v' }), error: BR }] },
  { id: 'K12', name: 'one key twice', via: 'raw', steps: [create(), { do: 'TagResource', in: { ResourceARN: '$mArn', Tags: [{ Key: 'k', Value: '1' }, { Key: 'k', Value: '2' }] }, error: BR }] },
]
