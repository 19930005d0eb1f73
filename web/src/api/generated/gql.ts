/* eslint-disable */
import * as types from './graphql';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query Me {\n    me {\n      id\n      email\n      name\n      groups\n    }\n  }\n": typeof types.MeDocument,
    "\n  mutation UpdateProfile($name: String!) {\n    updateProfile(name: $name) {\n      id\n      email\n      name\n      groups\n    }\n  }\n": typeof types.UpdateProfileDocument,
    "\n  query ListMeetings($limit: Int, $nextToken: String) {\n    listMeetings(limit: $limit, nextToken: $nextToken) {\n      items {\n        ...MeetingFields\n      }\n      nextToken\n    }\n  }\n\n  fragment MeetingFields on Meeting {\n    id\n    meetingId\n    title\n    description\n    createdAt\n    updatedAt\n    owner\n  }\n": typeof types.ListMeetingsDocument,
    "\n  query GetMeeting($id: ID!) {\n    getMeeting(id: $id) {\n      ...MeetingFields\n    }\n  }\n": typeof types.GetMeetingDocument,
    "\n  mutation CreateMeeting($input: CreateMeetingInput!) {\n    createMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n": typeof types.CreateMeetingDocument,
    "\n  mutation UpdateMeeting($input: UpdateMeetingInput!) {\n    updateMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n": typeof types.UpdateMeetingDocument,
    "\n  mutation DeleteMeeting($input: DeleteMeetingInput!) {\n    deleteMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n": typeof types.DeleteMeetingDocument,
    "\n  mutation JoinMeeting($id: ID!, $name: String) {\n    joinMeeting(id: $id, name: $name) {\n      meeting\n      attendee\n    }\n  }\n": typeof types.JoinMeetingDocument,
    "\n  subscription OnCreateMeeting {\n    onCreateMeeting {\n      ...MeetingFields\n    }\n  }\n": typeof types.OnCreateMeetingDocument,
    "\n  subscription OnUpdateMeeting {\n    onUpdateMeeting {\n      ...MeetingFields\n    }\n  }\n": typeof types.OnUpdateMeetingDocument,
    "\n  subscription OnDeleteMeeting {\n    onDeleteMeeting {\n      ...MeetingFields\n    }\n  }\n": typeof types.OnDeleteMeetingDocument,
};
const documents: Documents = {
    "\n  query Me {\n    me {\n      id\n      email\n      name\n      groups\n    }\n  }\n": types.MeDocument,
    "\n  mutation UpdateProfile($name: String!) {\n    updateProfile(name: $name) {\n      id\n      email\n      name\n      groups\n    }\n  }\n": types.UpdateProfileDocument,
    "\n  query ListMeetings($limit: Int, $nextToken: String) {\n    listMeetings(limit: $limit, nextToken: $nextToken) {\n      items {\n        ...MeetingFields\n      }\n      nextToken\n    }\n  }\n\n  fragment MeetingFields on Meeting {\n    id\n    meetingId\n    title\n    description\n    createdAt\n    updatedAt\n    owner\n  }\n": types.ListMeetingsDocument,
    "\n  query GetMeeting($id: ID!) {\n    getMeeting(id: $id) {\n      ...MeetingFields\n    }\n  }\n": types.GetMeetingDocument,
    "\n  mutation CreateMeeting($input: CreateMeetingInput!) {\n    createMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n": types.CreateMeetingDocument,
    "\n  mutation UpdateMeeting($input: UpdateMeetingInput!) {\n    updateMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n": types.UpdateMeetingDocument,
    "\n  mutation DeleteMeeting($input: DeleteMeetingInput!) {\n    deleteMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n": types.DeleteMeetingDocument,
    "\n  mutation JoinMeeting($id: ID!, $name: String) {\n    joinMeeting(id: $id, name: $name) {\n      meeting\n      attendee\n    }\n  }\n": types.JoinMeetingDocument,
    "\n  subscription OnCreateMeeting {\n    onCreateMeeting {\n      ...MeetingFields\n    }\n  }\n": types.OnCreateMeetingDocument,
    "\n  subscription OnUpdateMeeting {\n    onUpdateMeeting {\n      ...MeetingFields\n    }\n  }\n": types.OnUpdateMeetingDocument,
    "\n  subscription OnDeleteMeeting {\n    onDeleteMeeting {\n      ...MeetingFields\n    }\n  }\n": types.OnDeleteMeetingDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Me {\n    me {\n      id\n      email\n      name\n      groups\n    }\n  }\n"): typeof import('./graphql').MeDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateProfile($name: String!) {\n    updateProfile(name: $name) {\n      id\n      email\n      name\n      groups\n    }\n  }\n"): typeof import('./graphql').UpdateProfileDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListMeetings($limit: Int, $nextToken: String) {\n    listMeetings(limit: $limit, nextToken: $nextToken) {\n      items {\n        ...MeetingFields\n      }\n      nextToken\n    }\n  }\n\n  fragment MeetingFields on Meeting {\n    id\n    meetingId\n    title\n    description\n    createdAt\n    updatedAt\n    owner\n  }\n"): typeof import('./graphql').ListMeetingsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query GetMeeting($id: ID!) {\n    getMeeting(id: $id) {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').GetMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateMeeting($input: CreateMeetingInput!) {\n    createMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').CreateMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateMeeting($input: UpdateMeetingInput!) {\n    updateMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').UpdateMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteMeeting($input: DeleteMeetingInput!) {\n    deleteMeeting(input: $input) {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').DeleteMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation JoinMeeting($id: ID!, $name: String) {\n    joinMeeting(id: $id, name: $name) {\n      meeting\n      attendee\n    }\n  }\n"): typeof import('./graphql').JoinMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription OnCreateMeeting {\n    onCreateMeeting {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').OnCreateMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription OnUpdateMeeting {\n    onUpdateMeeting {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').OnUpdateMeetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription OnDeleteMeeting {\n    onDeleteMeeting {\n      ...MeetingFields\n    }\n  }\n"): typeof import('./graphql').OnDeleteMeetingDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
