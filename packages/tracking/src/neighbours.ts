/**
 * Which rows and columns of a matrix positive weights connect. It reads the matrix once; afterwards finding a row's or a column's
 * neighbours takes as long as there are neighbours, and few boxes overlap. Its buffers grow to the largest problem seen.
 */
export class Neighbours {
  /** The columns of row `r`, ascending: from `columnsFrom[r]` up to and without `columnsFrom[r + 1]` in `columnsOf`. */
  columnsFrom = new Int32Array(64 + 1);
  columnsOf = new Int32Array(256);
  /** The rows of each column, in the same form. */
  rowsFrom = new Int32Array(64 + 1);
  rowsOf = new Int32Array(256);

  /** @param weights `rows` × `columns`, row by row */
  read(weights: Float64Array, rows: number, columns: number): void {
    const largest = Math.max(rows, columns);
    if (largest >= this.columnsFrom.length) {
      this.columnsFrom = new Int32Array(roomFor(largest + 1));
      this.rowsFrom = new Int32Array(roomFor(largest + 1));
    }
    this.#readRows(weights, rows, columns);
    this.#turn(rows, columns);
  }

  #readRows(weights: Float64Array, rows: number, columns: number): void {
    let count = 0;
    for (let row = 0; row < rows; row++) {
      this.columnsFrom[row] = count;
      if (count + columns > this.columnsOf.length) this.#grow(count + columns);
      const columnsOf = this.columnsOf;
      const offset = row * columns;
      for (let column = 0; column < columns; column++)
        if (weights[offset + column]! > 0) columnsOf[count++] = column;
    }
    this.columnsFrom[rows] = count;
  }

  #grow(pairs: number): void {
    const before = this.columnsOf;
    this.columnsOf = new Int32Array(roomFor(pairs));
    this.columnsOf.set(before);
    this.rowsOf = new Int32Array(this.columnsOf.length);
  }

  /** From the columns of each row to the rows of each column. */
  #turn(rows: number, columns: number): void {
    const { columnsFrom, columnsOf, rowsFrom, rowsOf } = this;
    rowsFrom.fill(0, 0, columns + 1);
    const count = columnsFrom[rows]!;
    for (let pair = 0; pair < count; pair++) rowsFrom[columnsOf[pair]!]!++;
    // First where each column's rows end; filling them from the last to the first moves that to where they begin.
    for (let column = 1; column <= columns; column++) rowsFrom[column]! += rowsFrom[column - 1]!;
    for (let row = rows - 1; row >= 0; row--)
      for (let pair = columnsFrom[row]!; pair < columnsFrom[row + 1]!; pair++)
        rowsOf[--rowsFrom[columnsOf[pair]!]!] = row;
  }
}

function roomFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}
