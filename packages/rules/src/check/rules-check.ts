/** What rules are held against beside themselves. */
export interface RulesCheck {
  /** The classes of the camera's model; without them any class name will do. */
  readonly classes?: readonly string[];
  /** What the camera's second stages tell; without them any attribute will do. */
  readonly attributes?: readonly { readonly name: string; readonly values: readonly string[] }[];
}
