import type { VideoTileState } from 'amazon-chime-sdk-js'
import type { VideoTile } from './call'

/** The SDK's tile as the engine sees it; undefined while nobody is behind it. */
export function videoTile(state: VideoTileState): VideoTile | undefined {
  if (state.tileId === null || !state.boundAttendeeId) return undefined
  return {
    tileId: state.tileId,
    attendeeId: state.boundAttendeeId,
    // Neither `active` nor `localTileStarted`: the SDK sets the first only once an element is bound,
    // and does not copy the second into what observers get. It unbinds the stream when a camera stops.
    active: Boolean(state.boundVideoStream),
    width: state.videoStreamContentWidth ?? 0,
    height: state.videoStreamContentHeight ?? 0,
    held: state.paused,
    stalled: state.poorConnection,
  }
}
