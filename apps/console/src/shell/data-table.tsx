import type { ComponentChildren } from "preact";

interface Props {
  /** Name of the table for screen readers. */
  label: string;
  testId?: string;
  /** The heads of the columns. */
  columns: readonly string[];
  /** Purpose of the last column, which has buttons and no visible head. */
  buttons?: string;
  /** The rows. Each cell names its column in `data-label`: on a phone the cells of a row are stacked. */
  children: ComponentChildren;
}

/** A table of data, which scrolls on its own when it is wider than the page. */
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
