import { once } from "node:events";
import {
  type LiveMessage,
  type LivePicture,
  type LiveRequest,
  liveMessageSchema,
  livePictureSchema,
} from "@sightline/contracts";
import { WebSocket } from "ws";

/** A browser at the live WebSocket, as the server sees it; every message is checked against its schema. */
export class LiveBrowser {
  readonly messages: LiveMessage[] = [];
  readonly pictures: { head: LivePicture; jpeg: Buffer }[] = [];
  readonly socket: WebSocket;
  /** Whether each picture is reported as drawn at once. */
  draws = true;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
  }

  static async open(address: string): Promise<LiveBrowser> {
    const browser = new LiveBrowser(new WebSocket(`ws://${address}/api/v1/live`));
    await once(browser.socket, "open");
    return browser;
  }

  send(request: LiveRequest): void {
    this.socket.send(JSON.stringify(request));
  }

  /** The messages of one type, in order. */
  of<T extends LiveMessage["type"]>(type: T): Extract<LiveMessage, { type: T }>[] {
    return this.messages.filter((message) => message.type === type) as Extract<LiveMessage, { type: T }>[];
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, "close");
    this.socket.terminate();
    await closed;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      this.messages.push(liveMessageSchema.parse(JSON.parse(data.toString("utf8"))));
      return;
    }
    const length = data.readUInt32LE();
    const head = livePictureSchema.parse(JSON.parse(data.toString("utf8", 4, 4 + length)));
    this.pictures.push({ head, jpeg: data.subarray(4 + length) });
    if (this.draws) this.send({ type: "drawn", camera: head.camera });
  }
}
