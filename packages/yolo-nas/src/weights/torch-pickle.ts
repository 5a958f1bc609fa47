/** The part of Python's pickle format that torch.save writes. No code in a file is run: a class is only a name here. */
import { WeightsError } from "../errors.ts";

/** Stands for a Python class or function, or for an object that one of them created. */
export class PickledName {
  readonly name: string;
  /** Arguments of the call that created the object; undefined for the class or function itself. */
  readonly arguments: readonly unknown[] | undefined;

  constructor(name: string, callArguments?: readonly unknown[]) {
    this.name = name;
    this.arguments = callArguments;
  }
}

/** A reference to data outside the pickle, as its writer described it. */
export class PersistentReference {
  readonly id: unknown;

  constructor(id: unknown) {
    this.id = id;
  }
}

const mark = Symbol("mark");

/** The value of a pickle of protocol 2 to 4: dicts are Maps, tuples and lists are arrays. @throws WeightsError for other protocols */
export function readPickle(bytes: Uint8Array): unknown {
  return new PickleReader(bytes).read();
}

class PickleReader {
  private readonly bytes: Buffer;
  private at = 0;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): unknown {
    try {
      for (;;) {
        const code = String.fromCharCode(this.take(1)[0]!);
        if (code === ".") return this.stack.pop();
        this.step(code);
      }
    } catch (cause) {
      if (cause instanceof WeightsError) throw cause;
      throw new WeightsError("The checkpoint's pickle ends too early.", { cause });
    }
  }

  private step(code: string): void {
    const { stack } = this;
    switch (code) {
      case "\x80":
        return void this.take(1);
      case "\x95":
        return void this.take(8);
      case "(":
        return void stack.push(mark);
      case "}":
        return void stack.push(new Map());
      case "]":
      case ")":
      case "\x8f":
        return void stack.push([]);
      case "N":
        return void stack.push(undefined);
      case "\x88":
        return void stack.push(true);
      case "\x89":
        return void stack.push(false);
      case "K":
        return void stack.push(this.take(1)[0]);
      case "M":
        return void stack.push(this.take(2).readUInt16LE());
      case "J":
        return void stack.push(this.take(4).readInt32LE());
      case "G":
        return void stack.push(this.take(8).readDoubleBE());
      case "\x8a":
        return void stack.push(littleEndian(this.take(this.take(1)[0]!)));
      case "X":
        return void stack.push(this.take(this.take(4).readUInt32LE()).toString("utf8"));
      case "\x8c":
        return void stack.push(this.take(this.take(1)[0]!).toString("utf8"));
      case "U":
        return void stack.push(this.take(this.take(1)[0]!).toString("latin1"));
      case "T":
        return void stack.push(this.take(this.take(4).readUInt32LE()).toString("latin1"));
      case "C":
        return void stack.push(this.take(this.take(1)[0]!));
      case "B":
        return void stack.push(this.take(this.take(4).readUInt32LE()));
      case "c":
        return void stack.push(new PickledName(`${this.line()}.${this.line()}`));
      case "\x93": {
        const [module, name] = stack.splice(-2);
        return void stack.push(new PickledName(`${module}.${name}`));
      }
      case "q":
        return void this.memo.set(this.take(1)[0]!, stack.at(-1));
      case "r":
        return void this.memo.set(this.take(4).readUInt32LE(), stack.at(-1));
      case "\x94":
        return void this.memo.set(this.memo.size, stack.at(-1));
      case "h":
        return void stack.push(this.memo.get(this.take(1)[0]!));
      case "j":
        return void stack.push(this.memo.get(this.take(4).readUInt32LE()));
      case "t":
      case "l":
        return void stack.push(this.toMark());
      case "\x85":
      case "\x86":
      case "\x87":
        return void stack.push(stack.splice(-(code.charCodeAt(0) - 0x84)));
      case "d":
        return void stack.push(toMap(this.toMark()));
      case "s":
        return void this.setItems(stack.splice(-2));
      case "u":
        return void this.setItems(this.toMark());
      case "a":
        return void this.append(stack.splice(-1));
      case "e":
      case "\x90":
        return void this.append(this.toMark());
      case "R":
      case "\x81": {
        const [made, given] = stack.splice(-2);
        return void stack.push(called(made, given));
      }
      case "b":
      case "0":
        // The state of an object that is only represented by its name.
        return void stack.pop();
      case "Q":
        return void stack.push(new PersistentReference(stack.pop()));
      default:
        throw new WeightsError(
          `The checkpoint's pickle has an instruction that torch.save does not write: 0x${code.charCodeAt(0).toString(16)}.`,
        );
    }
  }

  private take(count: number): Buffer {
    const part = this.bytes.subarray(this.at, this.at + count);
    if (part.length < count) throw new WeightsError("The checkpoint's pickle ends too early.");
    this.at += count;
    return part;
  }

  private line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new WeightsError("The checkpoint's pickle ends too early.");
    const text = this.take(end - this.at).toString("utf8");
    this.take(1);
    return text;
  }

  private toMark(): unknown[] {
    const from = this.stack.lastIndexOf(mark);
    const items = this.stack.splice(from + 1);
    this.stack.pop();
    return items;
  }

  private setItems(items: readonly unknown[]): void {
    const target = this.stack.at(-1);
    if (!(target instanceof Map)) return;
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  private append(items: readonly unknown[]): void {
    const target = this.stack.at(-1);
    if (Array.isArray(target)) target.push(...items);
  }
}

function called(made: unknown, given: unknown): unknown {
  const name = made instanceof PickledName ? made.name : String(made);
  const list = Array.isArray(given) ? given : [];
  if (name === "collections.OrderedDict")
    return new Map(Array.isArray(list[0]) ? (list[0] as [unknown, unknown][]) : []);
  return new PickledName(name, list);
}

function toMap(items: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}

function littleEndian(bytes: Uint8Array): number {
  let value = 0n;
  for (const [i, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * i);
  return Number(BigInt.asIntN(8 * bytes.length, value));
}
