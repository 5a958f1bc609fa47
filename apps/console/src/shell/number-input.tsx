import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  id?: string;
  "aria-label"?: string;
  value: number;
  least?: number;
  most: number;
  step: number;
  /** Each number on the way is told; empty is 0. */
  onChange: (value: number) => void;
}

/** A control for a number that leaves what is being typed ("0.", "") as it is. */
export function NumberInput({ value, least = 0, most, step, onChange, ...named }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const element = input.current;
    if (element && numberIn(element) !== value) element.value = String(value);
  }, [value]);
  return (
    <input
      {...named}
      ref={input}
      type="number"
      min={least}
      max={most}
      step={step}
      defaultValue={String(value)}
      onInput={(event) => onChange(numberIn(event.currentTarget))}
    />
  );
}

function numberIn(element: HTMLInputElement): number {
  return element.value === "" ? 0 : element.valueAsNumber;
}
