/** A value of a CSV field; null and undefined are empty. */
export type CsvValue = string | number | boolean | null | undefined;

/** One record of RFC 4180, with its line end: fields with commas, quotes or line ends are quoted, quotes doubled. */
export function csvRecord(values: readonly CsvValue[]): string {
  return `${values.map(csvField).join(",")}\r\n`;
}

function csvField(value: CsvValue): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
