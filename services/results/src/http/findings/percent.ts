/** `12%`; below one percent with a digit more. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value < 1 ? Math.max(0.1, Math.round(value * 10) / 10) : Math.round(value)}%`;
}
