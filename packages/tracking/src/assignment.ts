import { AssignmentGroup } from "./assignment-group.ts";
import { Neighbours } from "./neighbours.ts";

/**
 * The matching of rows to columns with the largest sum of weights, each row and column used at most once. Exact.
 *
 * A weight ≤ 0 means that the pair may not be matched. Rows and columns are split into groups without a positive weight
 * between them. Each group is solved separately by shortest augmenting paths (the Hungarian method in the O(n²m) form that
 * Jonker and Volgenant 1987 build on). If boxes overlap only their neighbours, the groups are tiny. The result
 * depends only on the arguments: equal sums are decided by index order.
 *
 * Keep one and reuse it: its buffers grow to the largest problem seen.
 */
export class Assignment {
  /** After `solve`: the column of each row, or -1. Valid until the next call, first `rows` entries. */
  columnOfRow = new Int32Array(64);
  /** After `solve`: the row of each column, or -1. Valid until the next call, first `columns` entries. */
  rowOfColumn = new Int32Array(64);

  readonly #neighbours = new Neighbours();
  #group = new AssignmentGroup(64);
  #rowSeen = new Uint8Array(64);
  #columnSeen = new Uint8Array(64);

  /** @param weights `rows` × `columns`, row by row; may be longer */
  solve(weights: Float64Array, rows: number, columns: number): void {
    this.#prepare(rows, columns);
    this.#neighbours.read(weights, rows, columns);
    const group = this.#group;
    for (let first = 0; first < rows; first++) {
      if (this.#rowSeen[first] === 1) continue;
      this.#collect(first);
      if (group.columnCount === 0) continue;
      if (group.rowCount === 1 && group.columnCount === 1) {
        this.#match(first, group.columns[0]!);
      } else if (group.rowCount <= group.columnCount) {
        group.solve(group.rows, group.rowCount, group.columns, group.columnCount, weights, columns, 1);
        this.#keep(weights, columns, group.rows, group.columns, group.columnCount, false);
      } else {
        group.solve(group.columns, group.columnCount, group.rows, group.rowCount, weights, 1, columns);
        this.#keep(weights, columns, group.columns, group.rows, group.rowCount, true);
      }
    }
  }

  #prepare(rows: number, columns: number): void {
    const largest = Math.max(rows, columns);
    if (largest > this.#rowSeen.length) {
      const size = 2 ** Math.ceil(Math.log2(largest));
      this.columnOfRow = new Int32Array(size);
      this.rowOfColumn = new Int32Array(size);
      this.#rowSeen = new Uint8Array(size);
      this.#columnSeen = new Uint8Array(size);
      this.#group = new AssignmentGroup(size);
    }
    this.columnOfRow.fill(-1, 0, rows);
    this.rowOfColumn.fill(-1, 0, columns);
    this.#rowSeen.fill(0, 0, rows);
    this.#columnSeen.fill(0, 0, columns);
  }

  /** The rows and columns that positive weights connect with row `first`. */
  #collect(first: number): void {
    const group = this.#group;
    const { columnsFrom, columnsOf, rowsFrom, rowsOf } = this.#neighbours;
    group.rows[0] = first;
    group.rowCount = 1;
    group.columnCount = 0;
    this.#rowSeen[first] = 1;
    let columnsDone = 0;
    for (let r = 0; r < group.rowCount; r++) {
      const row = group.rows[r]!;
      for (let pair = columnsFrom[row]!; pair < columnsFrom[row + 1]!; pair++) {
        const column = columnsOf[pair]!;
        if (this.#columnSeen[column] === 1) continue;
        this.#columnSeen[column] = 1;
        group.columns[group.columnCount++] = column;
      }
      for (; columnsDone < group.columnCount; columnsDone++) {
        const column = group.columns[columnsDone]!;
        for (let pair = rowsFrom[column]!; pair < rowsFrom[column + 1]!; pair++) {
          const other = rowsOf[pair]!;
          if (this.#rowSeen[other] === 1) continue;
          this.#rowSeen[other] = 1;
          group.rows[group.rowCount++] = other;
        }
      }
    }
  }

  /** Copies the group's matches with a positive weight; the others mean "unmatched". */
  #keep(
    weights: Float64Array,
    columns: number,
    few: Int32Array,
    many: Int32Array,
    manyCount: number,
    fewAreColumns: boolean,
  ): void {
    for (let j = 0; j < manyCount; j++) {
      const i = this.#group.fewOfMany[j + 1]! - 1;
      if (i < 0) continue;
      const row = fewAreColumns ? many[j]! : few[i]!;
      const column = fewAreColumns ? few[i]! : many[j]!;
      if (weights[row * columns + column]! > 0) this.#match(row, column);
    }
  }

  #match(row: number, column: number): void {
    this.columnOfRow[row] = column;
    this.rowOfColumn[column] = row;
  }
}
