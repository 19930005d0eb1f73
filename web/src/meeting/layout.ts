export interface Layout {
  columns: number
  /** Size of one tile in CSS pixels. */
  width: number
  height: number
}

const widest = 16 / 9
// Cameras send wide pictures; an upright tile would cut off most of them.
const narrowest = 1
/** Below this width (px) a face is no longer worth a tile; the grid scrolls instead. */
export const smallest = 150

/** More pictures at once than this nobody can follow, and no client receives. */
const mostTiles = 25

/** How many tiles of at least this width (px) fit into the given space without scrolling. */
export function capacity(width: number, height: number, gap: number, minimum: number): number {
  const columns = Math.floor((width + gap) / (minimum + gap))
  const rows = Math.floor((height + gap) / (minimum / widest + gap))
  return Math.min(mostTiles, Math.max(1, columns) * Math.max(1, rows))
}

/** The grid that gives `count` equal tiles the largest picture in the given space. */
export function bestLayout(count: number, width: number, height: number, gap: number, minimum: number = smallest): Layout {
  let best: Layout = { columns: 1, width: 0, height: 0 }
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(Math.max(1, count) / columns)
    const tile = fit((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows)
    if (tile.width * tile.height > best.width * best.height) best = { columns, ...tile }
  }
  if (best.width >= minimum) return best
  const columns = Math.max(1, Math.floor((width + gap) / (minimum + gap)))
  const tileWidth = Math.max(0, Math.floor((width - gap * (columns - 1)) / columns))
  return { columns, width: tileWidth, height: Math.floor(tileWidth / (4 / 3)) }
}

/** The largest tile within a cell whose shape stays between square and wide. */
function fit(cellWidth: number, cellHeight: number): { width: number; height: number } {
  if (cellWidth <= 0 || cellHeight <= 0) return { width: 0, height: 0 }
  const width = Math.min(cellWidth, cellHeight * widest)
  const height = Math.min(cellHeight, width / narrowest)
  return { width: Math.floor(width), height: Math.floor(height) }
}
