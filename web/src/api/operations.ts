// Every GraphQL operation of the client. `npm run codegen` reads this file and writes the types of
// variables and results to generated/.
import { graphql } from './generated'

export const MeDocument = graphql(`
  query Me {
    me {
      id
      email
      name
      groups
    }
  }
`)

export const UpdateProfileDocument = graphql(`
  mutation UpdateProfile($name: String!) {
    updateProfile(name: $name) {
      id
      email
      name
      groups
    }
  }
`)

export const ListMeetingsDocument = graphql(`
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
  }
`)

export const GetMeetingDocument = graphql(`
  query GetMeeting($id: ID!) {
    getMeeting(id: $id) {
      ...MeetingFields
    }
  }
`)

export const CreateMeetingDocument = graphql(`
  mutation CreateMeeting($input: CreateMeetingInput!) {
    createMeeting(input: $input) {
      ...MeetingFields
    }
  }
`)

export const UpdateMeetingDocument = graphql(`
  mutation UpdateMeeting($input: UpdateMeetingInput!) {
    updateMeeting(input: $input) {
      ...MeetingFields
    }
  }
`)

export const DeleteMeetingDocument = graphql(`
  mutation DeleteMeeting($input: DeleteMeetingInput!) {
    deleteMeeting(input: $input) {
      ...MeetingFields
    }
  }
`)

export const JoinMeetingDocument = graphql(`
  mutation JoinMeeting($id: ID!, $name: String) {
    joinMeeting(id: $id, name: $name) {
      meeting
      attendee
    }
  }
`)

export const OnCreateMeetingDocument = graphql(`
  subscription OnCreateMeeting {
    onCreateMeeting {
      ...MeetingFields
    }
  }
`)

export const OnUpdateMeetingDocument = graphql(`
  subscription OnUpdateMeeting {
    onUpdateMeeting {
      ...MeetingFields
    }
  }
`)

export const OnDeleteMeetingDocument = graphql(`
  subscription OnDeleteMeeting {
    onDeleteMeeting {
      ...MeetingFields
    }
  }
`)
