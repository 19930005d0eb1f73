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
const smallest = 150

/** The grid that gives `count` equal tiles the largest picture in the given space. */
export function bestLayout(count: number, width: number, height: number, gap: number): Layout {
  let best: Layout = { columns: 1, width: 0, height: 0 }
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(Math.max(1, count) / columns)
    const tile = fit((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows)
    if (tile.width * tile.height > best.width * best.height) best = { columns, ...tile }
  }
  if (best.width >= smallest) return best
  const columns = Math.max(1, Math.floor((width + gap) / (smallest + gap)))
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
