import type { ComponentChildren } from "preact";

interface Props {
  /** Names the table to those who do not see it. */
  label: string;
  testId?: string;
  /** The heads of the columns. */
  columns: readonly string[];
  /** What a last column of buttons is for; it has no visible head. */
  buttons?: string;
  /** The rows. Each cell says its column in `data-label`: on a phone the cells of a row stand one below the other. */
  children: ComponentChildren;
}

/** A table of data, which scrolls by itself where it is wider than the page. */
export function DataTable({ label, testId, columns, buttons, children }: Props) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="data stacks" data-testid={testId}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
            {buttons && (
              <th scope="col">
                <span class="hidden">{buttons}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
