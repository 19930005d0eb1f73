/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type CreateMeetingInput = {
  description?: string | null | undefined;
  /** Made by the server when not given. */
  id?: string | null | undefined;
  meetingId?: string | null | undefined;
  title: string;
  /** Accepted and ignored: the server keeps the time. */
  updatedAt?: string | null | undefined;
};

export type DeleteMeetingInput = {
  id: string;
};

/** A member that is absent stays as it is; an explicit null for description empties it. */
export type UpdateMeetingInput = {
  description?: string | null | undefined;
  id: string;
  meetingId?: string | null | undefined;
  title?: string | null | undefined;
  /** Accepted and ignored: the server keeps the time. */
  updatedAt?: string | null | undefined;
};

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { me: { id: string, email: string, name: string, groups: Array<string> } };

export type UpdateProfileMutationVariables = Exact<{
  name: string;
}>;


export type UpdateProfileMutation = { updateProfile: { id: string, email: string, name: string, groups: Array<string> } };

export type ListMeetingsQueryVariables = Exact<{
  limit?: number | null | undefined;
  nextToken?: string | null | undefined;
}>;


export type ListMeetingsQuery = { listMeetings: { nextToken: string | null, items: Array<{ id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null> } | null };

export type MeetingFieldsFragment = { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null };

export type GetMeetingQueryVariables = Exact<{
  id: string;
}>;


export type GetMeetingQuery = { getMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export type CreateMeetingMutationVariables = Exact<{
  input: CreateMeetingInput;
}>;


export type CreateMeetingMutation = { createMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export type UpdateMeetingMutationVariables = Exact<{
  input: UpdateMeetingInput;
}>;


export type UpdateMeetingMutation = { updateMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export type DeleteMeetingMutationVariables = Exact<{
  input: DeleteMeetingInput;
}>;


export type DeleteMeetingMutation = { deleteMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export type JoinMeetingMutationVariables = Exact<{
  id: string;
  name?: string | null | undefined;
}>;


export type JoinMeetingMutation = { joinMeeting: { meeting: Record<string, unknown>, attendee: Record<string, unknown> } };

export type OnCreateMeetingSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type OnCreateMeetingSubscription = { onCreateMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export type OnUpdateMeetingSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type OnUpdateMeetingSubscription = { onUpdateMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export type OnDeleteMeetingSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type OnDeleteMeetingSubscription = { onDeleteMeeting: { id: string, meetingId: string, title: string, description: string | null, createdAt: string, updatedAt: string, owner: string | null } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const MeetingFieldsFragmentDoc = new TypedDocumentString(`
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}
    `, {"fragmentName":"MeetingFields"}) as unknown as TypedDocumentString<MeetingFieldsFragment, unknown>;
export const MeDocument = new TypedDocumentString(`
    query Me {
  me {
    id
    email
    name
    groups
  }
}
    `) as unknown as TypedDocumentString<MeQuery, MeQueryVariables>;
export const UpdateProfileDocument = new TypedDocumentString(`
    mutation UpdateProfile($name: String!) {
  updateProfile(name: $name) {
    id
    email
    name
    groups
  }
}
    `) as unknown as TypedDocumentString<UpdateProfileMutation, UpdateProfileMutationVariables>;
export const ListMeetingsDocument = new TypedDocumentString(`
    query ListMeetings($limit: Int, $nextToken: String) {
  listMeetings(limit: $limit, nextToken: $nextToken) {
    items {
      ...MeetingFields
    }
    nextToken
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<ListMeetingsQuery, ListMeetingsQueryVariables>;
export const GetMeetingDocument = new TypedDocumentString(`
    query GetMeeting($id: ID!) {
  getMeeting(id: $id) {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<GetMeetingQuery, GetMeetingQueryVariables>;
export const CreateMeetingDocument = new TypedDocumentString(`
    mutation CreateMeeting($input: CreateMeetingInput!) {
  createMeeting(input: $input) {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<CreateMeetingMutation, CreateMeetingMutationVariables>;
export const UpdateMeetingDocument = new TypedDocumentString(`
    mutation UpdateMeeting($input: UpdateMeetingInput!) {
  updateMeeting(input: $input) {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<UpdateMeetingMutation, UpdateMeetingMutationVariables>;
export const DeleteMeetingDocument = new TypedDocumentString(`
    mutation DeleteMeeting($input: DeleteMeetingInput!) {
  deleteMeeting(input: $input) {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<DeleteMeetingMutation, DeleteMeetingMutationVariables>;
export const JoinMeetingDocument = new TypedDocumentString(`
    mutation JoinMeeting($id: ID!, $name: String) {
  joinMeeting(id: $id, name: $name) {
    meeting
    attendee
  }
}
    `) as unknown as TypedDocumentString<JoinMeetingMutation, JoinMeetingMutationVariables>;
export const OnCreateMeetingDocument = new TypedDocumentString(`
    subscription OnCreateMeeting {
  onCreateMeeting {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<OnCreateMeetingSubscription, OnCreateMeetingSubscriptionVariables>;
export const OnUpdateMeetingDocument = new TypedDocumentString(`
    subscription OnUpdateMeeting {
  onUpdateMeeting {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<OnUpdateMeetingSubscription, OnUpdateMeetingSubscriptionVariables>;
export const OnDeleteMeetingDocument = new TypedDocumentString(`
    subscription OnDeleteMeeting {
  onDeleteMeeting {
    ...MeetingFields
  }
}
    fragment MeetingFields on Meeting {
  id
  meetingId
  title
  description
  createdAt
  updatedAt
  owner
}`) as unknown as TypedDocumentString<OnDeleteMeetingSubscription, OnDeleteMeetingSubscriptionVariables>;