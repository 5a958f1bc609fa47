/** Names of an enum's values as JSON has them. */
export type EnumName<T> = Lowercase<Exclude<keyof T & string, "UNSPECIFIED">>;

/** Name of an enum's value as JSON has it (`entered_zone`); empty when it is unspecified or unknown. */
export function enumName<T extends Record<string, number>>(values: T, value: number): EnumName<T> | "" {
  const name = Object.entries(values)
    .find(([, number]) => number === value)?.[0]
    .toLowerCase();
  return name === undefined || name === "unspecified" ? "" : (name as EnumName<T>);
}

/** The enum's value of a name as JSON has it; undefined when there is none. */
export function enumValue<T extends Record<string, number>>(values: T, name: string): T[keyof T] | undefined {
  if (name === "unspecified") return undefined;
  const key = name.toUpperCase();
  return Object.hasOwn(values, key) ? (values[key] as T[keyof T]) : undefined;
}
